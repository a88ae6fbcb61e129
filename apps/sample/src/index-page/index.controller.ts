import { Controller, Get, Header } from '@nestjs/common';
import { Public } from 'nestjs-introspection';
import { Configuration } from '../configuration/configuration.js';
import { renderIndexPage } from './render-index-page.js';

@Controller()
@Public()
export class IndexController {
  constructor(private readonly configuration: Configuration) {}

  @Get()
  @Header('Content-Type', 'text/html; charset=utf-8')
  @Header('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'")
  page() {
    return renderIndexPage(this.configuration);
  }
}
