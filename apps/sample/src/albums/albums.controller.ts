import { Body, Controller, Get, Post } from '@nestjs/common';
import { AccessTokenPrincipal, Principal, Public, Scopes } from 'nestjs-introspection';
import { Albums } from './albums.js';

@Controller('albums')
@Scopes('read')
export class AlbumsController {
  constructor(private readonly albums: Albums) {}

  @Get()
  list(@Principal() principal: AccessTokenPrincipal) {
    // Not every authorization server names a subject where a client acts for itself.
    return { for: principal.subject ?? principal.clientId, verifiedBy: principal.verifiedBy, albums: this.albums.list() };
  }

  @Post()
  @Scopes('write')
  create(@Principal('clientId') clientId: string | undefined, @Body() body: unknown) {
    return this.albums.add({ title: titleOf(body) ?? 'Untitled', by: clientId });
  }

  @Get('health')
  @Public()
  health() {
    return 'ok';
  }
}

function titleOf(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !('title' in body) || typeof body.title !== 'string') return undefined;
  return body.title.trim().slice(0, 200) || undefined;
}
