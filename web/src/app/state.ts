import { Emitter } from '../sdk/emitter.ts';
import { MAX_CHAT_BYTES, type Peer } from '../sdk/peer.ts';
import { Room } from '../sdk/room.ts';
import type { SignalingState } from '../sdk/signaling.ts';
import { ReceiveTransfer, type SendTransfer } from '../sdk/transfer.ts';
import { shortName } from './format.ts';
import { strings } from './strings.ts';

export interface ChatLine {
  key: number;
  kind: 'mine' | 'theirs' | 'note';
  who: string;
  text: string;
}
export interface FileRow {
  key: number;
  who: string;
  transfer: SendTransfer | ReceiveTransfer;
}

const MAX_LINES = 1000;
const MAX_FILES = 500;
const MAX_OPEN_FILES = 200;

/** Everything the page shows of a joined room. Views read it and are drawn again on `change`. */
export class Conversation extends Emitter<{ change: void }> {
  readonly chat: ChatLine[] = [];
  readonly files: FileRow[] = [];
  signaling: SignalingState = 'connecting';
  room!: Room;
  readonly name: string;
  #keys = 0;

  private constructor(name: string) {
    super();
    this.name = name;
  }

  static async join(server: string, roomName: string, name: string): Promise<Conversation> {
    const self = new Conversation(name);
    self.room = await Room.join(server, roomName, { name: shortName(name), device: 'computer' }, (room) => self.#listen(room));
    self.signaling = self.room.signaling;
    return self;
  }

  get peers(): Peer[] {
    return [...this.room.peers.values()];
  }

  /** False when it is too long; then nothing was sent. */
  say(text: string): boolean {
    if (new TextEncoder().encode(text).length > MAX_CHAT_BYTES) return false;
    for (const peer of this.peers) peer.say(text);
    this.#line('mine', this.name, text);
    return true;
  }

  /** False when nobody is there to take them. */
  sendFiles(files: Iterable<File>): boolean {
    const ready = this.peers.filter((peer) => peer.canChat);
    const all = [...files];
    for (const peer of ready) {
      for (const transfer of peer.sendFiles(all)) this.#file(peer, transfer);
    }
    return ready.length > 0;
  }

  leave(): void {
    this.room.leave();
  }

  #listen(room: Room): void {
    room.on('peers', () => this.#changed());
    room.on('signaling', (state) => {
      this.signaling = state;
      this.#changed();
    });
    room.on('peer', (peer) => {
      peer.on('chat', (text) => this.#line('theirs', peer.name, text));
      peer.on('chatopen', () => this.#line('note', '', strings.joined(peer.name)));
      peer.on('file', (transfer) => this.#file(peer, transfer));
      peer.on('error', (error) => console.warn('negotiation:', error));
    });
    room.on('left', (peer) => this.#line('note', '', strings.left(peer.name)));
  }

  #line(kind: ChatLine['kind'], who: string, text: string): void {
    this.chat.push({ key: this.#keys++, kind, who, text });
    if (this.chat.length > MAX_LINES) this.chat.splice(0, this.chat.length - MAX_LINES);
    this.#changed();
  }

  #file(peer: Peer, transfer: SendTransfer | ReceiveTransfer): void {
    if (transfer instanceof ReceiveTransfer && this.files.filter((row) => !row.transfer.ended).length >= MAX_OPEN_FILES) {
      transfer.refuse('too many files at once');
      return;
    }
    this.files.push({ key: this.#keys++, who: peer.name, transfer });
    // The oldest ones that are over make room, and let go of their content.
    const over = this.files.length > MAX_FILES ? this.files.findIndex((row) => row.transfer.ended) : -1;
    if (over >= 0) this.files.splice(over, 1);
    let saved = false;
    transfer.on('change', () => {
      if (!saved && transfer instanceof ReceiveTransfer && transfer.blob) {
        saved = true;
        save(transfer);
      }
      this.#changed();
    });
    this.#changed();
  }

  #scheduled = false;
  /** Many changes, one drawing: progress comes thousands of times a second. */
  #changed(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setTimeout(() => {
      this.#scheduled = false;
      this.emit('change', undefined);
    }, 16);
  }
}

/** Hands the file to the browser's downloads. */
export function save(transfer: ReceiveTransfer): void {
  if (!transfer.blob) return;
  const url = URL.createObjectURL(transfer.blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = transfer.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
