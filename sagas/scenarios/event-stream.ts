/** One block of a `text/event-stream`. `data` is empty for a block that only moves the cursor. */
export interface StreamEvent {
  /** The last id the stream has named, this block's own included: what `Last-Event-ID` resumes after. */
  readonly id: string;
  readonly event: string;
  readonly data: string;
  /** Milliseconds that the server asks to wait before a reconnect, where it does. */
  readonly retry?: number;
}

/**
 * Reads server-sent events as the WHATWG HTML standard, 9.2.6, says: any line ending, split wherever the network
 * split it; several `data` lines are one text; comments are skipped; a block the stream ended within is dropped.
 */
export async function* readEvents(
  chunks: AsyncIterable<Uint8Array>,
  lastId = '',
): AsyncGenerator<StreamEvent> {
  const decoder = new TextDecoder();
  let id = lastId;
  let pending = '';
  let event = 'message';
  let data: string[] = [];
  let retry: number | undefined;
  let touched = false;
  for await (const chunk of chunks) {
    pending += decoder.decode(chunk, { stream: true });
    // A carriage return at the very end may be half of a CRLF: it waits for the next chunk.
    const lines = pending.split(/\r\n|\n|\r(?!$)/);
    pending = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '') {
        if (touched) yield { id, event, data: data.join('\n'), ...(retry === undefined ? {} : { retry }) };
        event = 'message';
        data = [];
        retry = undefined;
        touched = false;
        continue;
      }
      const colon = line.indexOf(':');
      if (colon === 0) continue;
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
      if (field === 'data') data.push(value);
      else if (field === 'event') event = value || 'message';
      else if (field === 'id' && !value.includes('\0')) id = value;
      else if (field === 'retry' && /^\d+$/.test(value)) retry = Number(value);
      else continue;
      touched = true;
    }
  }
}

/** The server answers the stream's request with something that a reconnect will not mend. */
export class StreamRefused extends Error {
  override readonly name = 'StreamRefused';
}

export interface FollowOptions {
  /** Opens the stream after the event `lastId` (empty: from now on). */
  open(lastId: string): Promise<Response>;
  /** Waits so many milliseconds, or until the follower is stopped. */
  pause(ms: number): Promise<void>;
  readonly signal: AbortSignal;
  /** Called each time the server has accepted the stream: whatever happens from then on is seen. */
  opened?(): void;
}

const reconnectAfterMs = 250;

/**
 * Follows a stream until `signal` aborts, through any number of broken connections: each reconnect names the last
 * event seen, so the server goes on after it. Ends quietly on abort.
 * @throws StreamRefused on an answer below 500 that is not an event stream
 */
export async function* followStream(options: FollowOptions): AsyncGenerator<StreamEvent> {
  const { signal } = options;
  let lastId = '';
  let waitMs = reconnectAfterMs;
  while (!signal.aborted) {
    try {
      const response = await options.open(lastId);
      const type = response.headers.get('content-type') ?? '';
      if (response.status < 500 && (response.status !== 200 || !type.startsWith('text/event-stream'))) {
        await response.body?.cancel();
        throw new StreamRefused(`the stream was answered with ${response.status} ${type}`);
      }
      if (response.status === 200 && response.body !== null) {
        options.opened?.();
        for await (const event of readEvents(response.body, lastId)) {
          lastId = event.id;
          waitMs = event.retry ?? waitMs;
          if (event.data !== '') yield event;
        }
      } else await response.body?.cancel();
    } catch (error) {
      // A connection that broke, or was never made, is what reconnecting is for.
      if (error instanceof StreamRefused) throw error;
    }
    if (!signal.aborted) await options.pause(waitMs);
  }
}
