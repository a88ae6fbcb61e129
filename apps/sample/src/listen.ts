import type { INestApplication } from '@nestjs/common';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Its message is for the person at the terminal. */
export class PortTakenError extends Error {
  override readonly name = 'PortTakenError';

  constructor({ host, port }: Address, options: ErrorOptions) {
    const another = port < 65_535 ? port + 1 : port - 1;
    super(`Port ${port} of ${host} is taken. Choose another with PORT=${another}.`, options);
  }
}

/** @throws {PortTakenError} when the port is taken; the application is then closed. */
export async function listen(app: INestApplication, address: Address): Promise<void> {
  try {
    await app.listen(address.port, address.host);
  } catch (error) {
    await app.close();
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')
      throw new PortTakenError(address, { cause: error });
    throw error;
  }
}
