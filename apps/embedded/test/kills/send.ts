const PATIENCE_MS = 20_000;

/** An answer within the patience of a client. */
export const send = async (url: string, init: RequestInit): Promise<Response> =>
  fetch(url, { ...init, signal: AbortSignal.timeout(PATIENCE_MS) });
