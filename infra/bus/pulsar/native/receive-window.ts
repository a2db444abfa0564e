/** How much is held unacknowledged, and who waits for it to become less. */
export interface ReceiveWindow {
  readonly isFull: boolean;
  take(bytes: number): void;
  giveBack(bytes: number): void;
  /** Resolves once there is room. */
  room(): Promise<void>;
  /** Lets all who wait go on, for good. */
  open(): void;
}

/**
 * A window of so many messages or so many bytes, whichever is reached first. It empties to half before it is read on:
 * a consumer at its limit would otherwise change between reading and waiting with each message.
 */
export const receiveWindow = (mostMessages: number, mostBytes: number): ReceiveWindow => {
  let messages = 0;
  let bytes = 0;
  let isOpen = false;
  let waiting: (() => void)[] = [];

  const isFull = (): boolean => !isOpen && (messages >= mostMessages || bytes >= mostBytes);
  const letGo = (): void => {
    const released = waiting;
    waiting = [];
    for (const go of released) go();
  };

  return {
    get isFull() {
      return isFull();
    },
    take(size) {
      messages++;
      bytes += size;
    },
    giveBack(size) {
      messages--;
      bytes -= size;
      if (waiting.length > 0 && messages <= mostMessages / 2 && bytes <= mostBytes / 2) letGo();
    },
    room() {
      return isFull() ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve();
    },
    open() {
      isOpen = true;
      letGo();
    },
  };
};
