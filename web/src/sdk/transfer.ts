import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { Emitter } from './emitter.ts';

// Files over one data channel each: docs/guide/peer-protocol.md.

export const FILE_PROTOCOL = 'linnet.file.1';
const CHUNK = 65_536;
const READ_AHEAD = 1 << 20;
const BUFFER_HIGH = 4 << 20;
const BUFFER_LOW = 1 << 20;
const MAX_REASON = 200;
/** Pieces of a file that wait to become a blob; a sender may make them as small as one byte. */
const MAX_PARTS = 4096;

export type TransferState = 'waiting' | 'running' | 'verifying' | 'done' | 'refused' | 'failed';

interface Events {
  change: void;
}

/** The part of RTCDataChannel that a transfer uses. */
export type FileChannel = Pick<
  RTCDataChannel,
  | 'readyState'
  | 'binaryType'
  | 'bufferedAmount'
  | 'bufferedAmountLowThreshold'
  | 'close'
  | 'onopen'
  | 'onclose'
  | 'onmessage'
  | 'onbufferedamountlow'
> & { send(data: string): void; send(data: ArrayBuffer): void };

/** What both directions have in common: how far it is and how it ended. */
abstract class Transfer extends Emitter<Events> {
  name = '';
  size = 0;
  bytes = 0;
  state: TransferState = 'waiting';
  reason = '';
  startedAt = 0;
  endedAt = 0;

  /** Missing until it is this file's turn. */
  protected channel: FileChannel | undefined;

  protected take(channel: FileChannel): void {
    this.channel = channel;
    channel.binaryType = 'arraybuffer';
    channel.onclose = () => this.lost();
  }

  /** The connection is gone: nothing can be told any more. */
  lost(): void {
    this.end('failed', 'the connection closed before the file was through');
  }

  get ended(): boolean {
    return this.state === 'done' || this.state === 'refused' || this.state === 'failed';
  }

  /** Ends the transfer from this side. */
  cancel(reason = 'cancelled'): void {
    if (this.ended) return;
    this.tell({ type: 'error', reason: reason.slice(0, MAX_REASON) });
    this.end('failed', reason);
  }

  protected tell(message: Record<string, unknown>): void {
    if (this.channel?.readyState === 'open') this.channel.send(JSON.stringify(message));
  }

  protected enter(state: TransferState): void {
    this.state = state;
    if (state === 'running') this.startedAt = performance.now();
    this.emit('change', undefined);
  }

  protected end(state: 'done' | 'refused' | 'failed', reason = ''): void {
    if (this.ended) return;
    this.reason = reason;
    this.endedAt = performance.now();
    this.enter(state);
    this.channel?.close();
  }
}

interface Control {
  type: string;
  [key: string]: unknown;
}

function parseControl(text: string): Control | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && typeof (value as Control).type === 'string') return value as Control;
  } catch {
    // Falls through: the caller ends the transfer.
  }
  return undefined;
}

const reasonOf = (message: Control): string =>
  typeof message['reason'] === 'string' && message['reason'] ? message['reason'].slice(0, MAX_REASON) : 'no reason given';

export interface SendOptions {
  /** Which of `count` files that are sent one after the other, from 0. */
  index?: number;
  count?: number;
}

/** Sends one file, once `start()` gave it a channel that this side made with the protocol `linnet.file.1`. */
export class SendTransfer extends Transfer {
  #maxMessageSize = 0;

  constructor(
    private readonly file: File,
    private readonly options: SendOptions = {},
  ) {
    super();
    this.name = file.name;
    this.size = file.size;
  }

  /** Once. `maxMessageSize` is 0 when the other side takes messages of any size. */
  start(channel: FileChannel, maxMessageSize: number): void {
    this.#maxMessageSize = maxMessageSize;
    this.take(channel);
    channel.bufferedAmountLowThreshold = BUFFER_LOW;
    channel.onopen = () => this.#offer();
    channel.onmessage = (event: MessageEvent<unknown>) => this.#receive(event.data);
    if (channel.readyState === 'open') this.#offer();
  }

  #offer(): void {
    const { name, size, type, lastModified } = this.file;
    const { index = 0, count = 1 } = this.options;
    this.tell({ type: 'offer', name, size, ...(type ? { mime: type } : {}), modified: lastModified, ...(count > 1 ? { index, count } : {}) });
  }

  #receive(data: unknown): void {
    const message = typeof data === 'string' ? parseControl(data) : undefined;
    switch (message?.type) {
      case 'accept': {
        const offset = message['offset'] ?? 0;
        if (this.state !== 'waiting' || typeof offset !== 'number' || !Number.isSafeInteger(offset) || offset < 0 || offset > this.size) {
          this.cancel('an acceptance out of place');
          return;
        }
        this.#stream(this.channel!, offset).catch((error: unknown) => this.cancel(`cannot read the file: ${String(error)}`));
        break;
      }
      case 'refuse':
        this.end('refused', reasonOf(message));
        break;
      case 'received':
        if (this.state === 'verifying') this.end('done');
        else this.cancel('a receipt out of place');
        break;
      case 'error':
        this.end('failed', reasonOf(message));
        break;
      default:
        this.cancel('a message that this protocol does not have');
    }
  }

  async #stream(channel: FileChannel, offset: number): Promise<void> {
    this.enter('running');
    const hash = sha256.create();
    const chunk = this.#maxMessageSize > 0 ? Math.min(CHUNK, this.#maxMessageSize) : CHUNK;
    for (let at = 0; at < this.size && !this.ended; at += READ_AHEAD) {
      const block = await this.file.slice(at, at + READ_AHEAD).arrayBuffer();
      hash.update(new Uint8Array(block));
      for (let i = Math.max(0, offset - at); i < block.byteLength && !this.ended; i += chunk) {
        if (channel.bufferedAmount > BUFFER_HIGH) await this.#drained(channel);
        if (channel.readyState !== 'open') return;
        const part = block.slice(i, i + chunk);
        channel.send(part);
        this.bytes = at + i + part.byteLength;
      }
      this.emit('change', undefined);
    }
    if (this.ended) return;
    this.bytes = this.size;
    this.enter('verifying');
    this.tell({ type: 'end', sha256: bytesToHex(hash.digest()) });
  }

  /** Until there is room again, or the transfer has ended. */
  #drained(channel: FileChannel): Promise<void> {
    return new Promise((resolve) => {
      if (this.ended) {
        resolve();
        return;
      }
      const done = () => {
        channel.onbufferedamountlow = null;
        off();
        resolve();
      };
      channel.onbufferedamountlow = done;
      const off = this.on('change', () => this.ended && done());
    });
  }
}

/** Receives one file. It waits for `accept()` or `refuse()`; the content is gathered in blobs, which browsers keep on disk. */
export class ReceiveTransfer extends Transfer {
  mime = '';
  offered = false;
  /** The whole file, once `done`. */
  blob: Blob | undefined;
  #hash = sha256.create();
  #blobs: Blob[] = [];
  #parts: ArrayBuffer[] = [];
  #pending = 0;

  constructor(channel: FileChannel) {
    super();
    this.take(channel);
    channel.onmessage = (event: MessageEvent<unknown>) => this.#receive(event.data);
  }

  accept(): void {
    if (!this.offered || this.state !== 'waiting') return;
    this.enter('running');
    this.tell({ type: 'accept', offset: 0 });
  }

  refuse(reason = 'declined'): void {
    if (this.state !== 'waiting') return;
    this.tell({ type: 'refuse', reason: reason.slice(0, MAX_REASON) });
    this.#over('refused', reason);
  }

  /** Ends here, and leaves the closing of the channel to the sender, so that our last word gets through. */
  #over(state: 'done' | 'refused', reason = ''): void {
    this.reason = reason;
    this.endedAt = performance.now();
    this.enter(state);
  }

  #receive(data: unknown): void {
    if (this.ended) return;
    if (data instanceof ArrayBuffer) {
      this.#content(data);
      return;
    }
    const message = typeof data === 'string' ? parseControl(data) : undefined;
    if (message?.type === 'offer' && !this.offered) this.#offer(message);
    else if (message?.type === 'end' && this.state === 'running') this.#finish(message['sha256']);
    else if (message?.type === 'error') this.end('failed', reasonOf(message));
    else this.cancel('a message that this protocol does not have');
  }

  #offer(message: Control): void {
    const { name, size, mime } = message;
    if (typeof name !== 'string' || typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
      this.cancel('an offer that cannot be read');
      return;
    }
    this.name = safeName(name);
    this.size = size;
    this.mime = typeof mime === 'string' ? mime : '';
    this.offered = true;
    this.emit('change', undefined);
  }

  #content(data: ArrayBuffer): void {
    if (this.state !== 'running' || this.bytes + data.byteLength > this.size) {
      this.cancel('more content than was offered');
      return;
    }
    // Costs memory and brings nothing on.
    if (data.byteLength === 0) {
      this.cancel('content without content');
      return;
    }
    this.#hash.update(new Uint8Array(data));
    this.#parts.push(data);
    this.#pending += data.byteLength;
    this.bytes += data.byteLength;
    if (this.#pending >= 8 << 20 || this.#parts.length >= MAX_PARTS) this.#fold();
    this.emit('change', undefined);
  }

  #fold(): void {
    this.#blobs.push(new Blob(this.#parts));
    this.#parts = [];
    this.#pending = 0;
  }

  #finish(expected: unknown): void {
    if (this.bytes !== this.size) {
      this.cancel('less content than was offered');
      return;
    }
    if (bytesToHex(this.#hash.digest()) !== expected) {
      this.cancel('the hash is wrong');
      return;
    }
    this.#fold();
    // A type of the sender's choice could make the browser show the file as a page of ours: it is only ever saved.
    this.blob = new Blob(this.#blobs, { type: 'application/octet-stream' });
    this.#blobs = [];
    this.tell({ type: 'received' });
    this.#over('done');
  }
}

/** The last path element without control characters; never empty, never a dot. */
export function safeName(name: string): string {
  const base = name
    .split(/[/\\]/)
    .pop()!
    .replace(/[\u0000-\u001f\u007f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '')
    .slice(0, 255);
  return base === '' || base === '.' || base === '..' ? 'file' : base;
}
