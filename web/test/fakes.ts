import type { Socket } from '../src/sdk/signaling.ts';

/** Stands in for a WebSocket: keeps what the client sends, and says what the test wants. */
export class FakeSocket {
  readyState = 1;
  sent: Record<string, unknown>[] = [];
  closedWith: number | undefined;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }
  close(code?: number): void {
    this.closedWith = code ?? 1005;
    this.readyState = 3;
  }
  /** A frame from the server. */
  says(frame: unknown): void {
    this.onmessage?.({ data: typeof frame === 'string' ? frame : JSON.stringify(frame) });
  }
  /** The socket goes away, or the server closes it. */
  lost(code = 1006, reason = ''): void {
    this.readyState = 3;
    this.onclose?.({ code, reason });
  }
}

/** Opens fake sockets; the last one is `at(-1)`. */
export function network() {
  const sockets: FakeSocket[] = [];
  const openSocket = (): Socket => {
    const socket = new FakeSocket();
    sockets.push(socket);
    return socket as unknown as Socket;
  };
  return { sockets, openSocket };
}

/** Time that passes only when told to. */
export class FakeTime {
  now = 0;
  #timers = new Map<number, { at: number; run: () => void }>();
  #last = 0;
  #real = { set: globalThis.setTimeout, clear: globalThis.clearTimeout };

  constructor() {
    const set = (run: () => void, ms = 0) => {
      this.#timers.set(++this.#last, { at: this.now + ms, run });
      return this.#last;
    };
    globalThis.setTimeout = set as unknown as typeof setTimeout;
    globalThis.clearTimeout = ((id: number) => this.#timers.delete(id)) as unknown as typeof clearTimeout;
  }
  get waiting(): number {
    return this.#timers.size;
  }
  async pass(ms: number): Promise<void> {
    await settled();
    const end = this.now + ms;
    for (;;) {
      const due = [...this.#timers].filter(([, timer]) => timer.at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
      if (!due) break;
      this.#timers.delete(due[0]);
      this.now = Math.max(this.now, due[1].at);
      due[1].run();
      await settled();
    }
    this.now = end;
  }
  restore(): void {
    globalThis.setTimeout = this.#real.set;
    globalThis.clearTimeout = this.#real.clear;
  }
}

/** After everything that is already on its way has happened. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
