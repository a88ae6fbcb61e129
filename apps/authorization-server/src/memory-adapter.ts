import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider';

interface Entry {
  readonly payload: AdapterPayload;
  readonly expiresAtMs: number;
}

/** Each authorization server has its own memory: two in one process do not know each other's tokens. */
export function createMemoryAdapterFactory(): AdapterFactory {
  const entries = new Map<string, Entry>();
  return (model) => new MemoryAdapter(model, entries);
}

class MemoryAdapter implements Adapter {
  constructor(
    private readonly model: string,
    private readonly entries: Map<string, Entry>,
  ) {}

  async upsert(id: string, payload: AdapterPayload, expiresIn?: number) {
    this.forgetExpired();
    const expiresAtMs = expiresIn === undefined ? Infinity : Date.now() + expiresIn * 1000;
    this.entries.set(this.key(id), { payload, expiresAtMs });
  }

  async find(id: string) {
    const entry = this.entries.get(this.key(id));
    return entry && entry.expiresAtMs > Date.now() ? entry.payload : undefined;
  }

  findByUid(uid: string) {
    return this.findWhere((payload) => payload.uid === uid);
  }

  findByUserCode(userCode: string) {
    return this.findWhere((payload) => payload.userCode === userCode);
  }

  async consume(id: string) {
    const payload = await this.find(id);
    if (payload) payload.consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id: string) {
    this.entries.delete(this.key(id));
  }

  async revokeByGrantId(grantId: string) {
    for (const [key, { payload }] of this.entries) {
      if (payload.grantId === grantId) this.entries.delete(key);
    }
  }

  private key(id: string) {
    return `${this.model}:${id}`;
  }

  private async findWhere(matches: (payload: AdapterPayload) => boolean) {
    const prefix = this.key('');
    for (const [key, { payload, expiresAtMs }] of this.entries) {
      if (key.startsWith(prefix) && expiresAtMs > Date.now() && matches(payload)) return payload;
    }
    return undefined;
  }

  // Entries stand in the order of their creation, so that the oldest, which expire first, are at the front.
  private forgetExpired() {
    for (const [key, { expiresAtMs }] of this.entries) {
      if (expiresAtMs > Date.now()) return;
      this.entries.delete(key);
    }
  }
}
