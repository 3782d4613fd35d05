import { SendTransfer } from './transfer.ts';

/** The files for one peer, one after the other (docs/guide/peer-protocol.md). Owned by the Peer, which starts what is next. */
export class SendQueue {
  #start: (transfer: SendTransfer) => void;
  #waiting: SendTransfer[] = [];
  #current: SendTransfer | undefined;

  constructor(start: (transfer: SendTransfer) => void) {
    this.#start = start;
  }

  /** Files that belong together: their offers are counted. Each starts when the one before has ended, however it did. */
  add(files: readonly File[]): SendTransfer[] {
    const added = files.map((file, index) => new SendTransfer(file, { index, count: files.length }));
    this.#waiting.push(...added);
    this.#next();
    return added;
  }

  /** The connection is gone, and with it what is under way or waits. */
  lost(): void {
    const waiting = this.#waiting.splice(0);
    this.#current?.lost();
    for (const transfer of waiting) transfer.lost();
  }

  #next(): void {
    while (!this.#current || this.#current.ended) {
      const transfer = this.#waiting.shift();
      this.#current = transfer;
      if (!transfer) return;
      // Cancelled before its turn.
      if (transfer.ended) continue;
      const off = transfer.on('change', () => {
        if (!transfer.ended) return;
        off();
        this.#next();
      });
      this.#start(transfer);
    }
  }
}
