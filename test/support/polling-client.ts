/** A socket.io client over the long-polling transport: one namespace, packets as text. */
export interface PollingClient {
  emit(event: string, data: unknown): Promise<void>;
  /** The next event packet that the server sends. */
  nextEvent(): Promise<[event: string, ...data: unknown[]]>;
  close(): Promise<void>;
}

const SEPARATOR = '\u001e';

/** @see https://socket.io/docs/v4/engine-io-protocol/ */
export async function connectByPolling(
  port: number,
  headers: Record<string, string> = {},
  auth: object = {},
): Promise<PollingClient> {
  const base = `http://127.0.0.1:${port}/socket.io/?EIO=4&transport=polling`;
  const opened = await (await fetch(base, { headers })).text();
  const { sid } = JSON.parse(opened.slice(1)) as { sid: string };
  const url = `${base}&sid=${sid}`;
  const post = async (packet: string): Promise<void> => {
    await (await fetch(url, { method: 'POST', body: packet, headers: { 'content-type': 'text/plain' } })).text();
  };
  const received: string[] = [];
  const next = async (prefix: string): Promise<string> => {
    for (;;) {
      const at = received.findIndex((packet) => packet.startsWith(prefix));
      if (at >= 0) return received.splice(at, 1)[0]?.slice(prefix.length) ?? '';
      const packets = (await (await fetch(url)).text()).split(SEPARATOR);
      for (const packet of packets) {
        if (packet === '2') await post('3');
        else received.push(packet);
      }
    }
  };
  await post(`40${JSON.stringify(auth)}`);
  await next('40');
  return {
    emit: (event, data) => post(`42${JSON.stringify([event, data])}`),
    nextEvent: async () => JSON.parse(await next('42')) as [string, ...unknown[]],
    close: () => post('1'),
  };
}
