import pg from 'pg';

/** Who is told of notifications. */
export interface ListenOptions {
  readonly channel: string;
  told(payload: string): void;
  /** The connection is lost, and with it what is sent from now on. */
  lost(): void;
}

export interface Listening {
  /** Unlike that of every other listener of the server. */
  readonly sender: string;
  close(): Promise<void>;
}

/** Listens on a connection of its own, from when it resolves until that connection is lost. */
export async function listen(
  config: pg.ClientConfig,
  { channel, told, lost }: ListenOptions,
): Promise<Listening> {
  const client = new pg.Client(config);
  let closed = false;
  client.on('error', () => undefined); // 'end' follows
  client.on('notification', ({ payload = '' }) => told(payload));
  await client.connect();
  try {
    await client.query(`LISTEN ${pg.escapeIdentifier(channel)}`);
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    client.once('end', () => {
      if (!closed) lost();
    });
    return {
      sender: String(rows[0]?.pid),
      async close() {
        closed = true;
        await client.end();
      },
    };
  } catch (error) {
    await client.end().catch(() => undefined); // the reason is what counts
    throw error;
  }
}
