import { Injectable } from '@nestjs/common';

export interface Album {
  readonly title: string;
  /** The client that added it. */
  readonly by?: string | undefined;
}

const MAXIMUM = 100;

@Injectable()
export class Albums {
  private albums: readonly Album[] = [{ title: 'Kind of Blue' }, { title: 'Blue Train' }];

  list(): readonly Album[] {
    return this.albums;
  }

  add(album: Album): Album {
    // Nothing is ever deleted, and a demonstration must not fill the memory.
    this.albums = [...this.albums, album].slice(-MAXIMUM);
    return album;
  }
}
