import { Emitter } from './emitter.ts';
import {
  parseServerMessage,
  SUBPROTOCOL,
  type ErrorMessage,
  type Joined,
  type PeerMessage,
  type PresenceData,
  type Ready,
  type Signal,
  type SignalBody,
} from './protocol.ts';

export class SignalingError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = 'SignalingError';
  }
}

export type SignalingState = 'connecting' | 'connected' | 'reconnecting' | 'closed';

interface Events {
  state: SignalingState;
  joined: Joined;
  peer: PeerMessage;
  signal: Signal;
  error: ErrorMessage;
}

/** The part of WebSocket that is used, so that tests can put golden transcripts in its place. */
export type Socket = Pick<WebSocket, 'send' | 'close' | 'readyState'> & {
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
};

export interface SignalingOptions {
  /** The id to ask for; by default the server makes one. */
  peer?: string;
  token?: string;
  openSocket?: (url: string) => Socket;
}

interface Pending {
  resolve: (message: never) => void;
  reject: (error: Error) => void;
}

/** signaling/protocol.md, "Reconnect": the pauses before each try, and 20 % of jitter. */
const BACK_OFF_MS = [0, 300, 1200, 2700, 4800, 7000];

/**
 * The browser's client of linnet.1. `connect()` once; a lost socket is opened again by itself under the same peer id, and
 * the rooms are joined again, which shows as another `joined` event.
 */
export class SignalingClient extends Emitter<Events> {
  readonly url: string;
  #options: SignalingOptions;
  #socket: Socket | undefined;
  #state: SignalingState = 'connecting';
  #ready: Ready | undefined;
  #rooms = new Map<string, PresenceData>();
  #pending = new Map<number, Pending>();
  #nextId = 1;
  #attempt = 0;
  #closed = false;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #watchdog: ReturnType<typeof setTimeout> | undefined;
  #connecting: Pending | undefined;

  constructor(url: string, options: SignalingOptions = {}) {
    super();
    this.url = url;
    this.#options = options;
  }

  get state(): SignalingState {
    return this.#state;
  }
  /** Our id; empty before `connect()` is done. */
  get peer(): string {
    return this.#ready?.peer ?? '';
  }
  get iceServers(): RTCIceServer[] {
    return this.#ready?.iceServers ?? [];
  }

  connect(): Promise<Ready> {
    return new Promise<Ready>((resolve, reject) => {
      this.#connecting = { resolve: resolve as (message: never) => void, reject };
      this.#open();
    });
  }

  async join(room: string, data: PresenceData = {}): Promise<Joined> {
    const joined = await this.#request<Joined>({ type: 'join', room, data });
    this.#rooms.set(room, data);
    return joined;
  }

  async leave(room: string): Promise<void> {
    this.#rooms.delete(room);
    await this.#request({ type: 'leave', room });
  }

  async update(room: string, data: PresenceData): Promise<void> {
    await this.#request({ type: 'update', room, data });
    this.#rooms.set(room, data);
  }

  /** Sends one signal. While the socket is away it is dropped: ICE restarts or offers again when it is back. */
  signal(to: string, room: string, body: SignalBody): void {
    this.#send({ type: 'signal', to, room, ...body });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#retry);
    clearTimeout(this.#watchdog);
    this.#socket?.close(1000);
    this.#socket = undefined;
    this.#failPending(new SignalingError('closed', 'the signaling client was closed'));
    this.#setState('closed');
  }

  #open(): void {
    const open = this.#options.openSocket ?? ((url: string) => new WebSocket(url, SUBPROTOCOL) as unknown as Socket);
    const socket = open(this.url);
    this.#socket = socket;
    socket.onmessage = (event) => {
      if (socket !== this.#socket) return;
      this.#feedWatchdog();
      if (typeof event.data === 'string') this.#receive(event.data);
    };
    socket.onclose = (event) => {
      if (socket === this.#socket) this.#lost(event);
    };
    this.#feedWatchdog();
  }

  /** The server pings every 20 s; silence for twice that and more means that the socket is dead. */
  #feedWatchdog(): void {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => {
      const socket = this.#socket;
      if (!socket) return;
      socket.close(4000);
      this.#lost({ code: 4000, reason: 'the server went silent' });
    }, 45_000);
  }

  #receive(text: string): void {
    const message = parseServerMessage(text);
    switch (message?.type) {
      case 'welcome': {
        const peer = this.#ready?.peer ?? this.#options.peer;
        this.#send({
          type: 'hello',
          client: 'linnet-web',
          caps: [],
          ...(peer ? { peer } : {}),
          ...(this.#options.token ? { token: this.#options.token } : {}),
        });
        break;
      }
      case 'ready':
        this.#attempt = 0;
        this.#ready = message;
        this.#setState('connected');
        this.#connecting?.resolve(message as never);
        this.#connecting = undefined;
        for (const [room, data] of this.#rooms) void this.join(room, data).catch(() => undefined);
        break;
      case 'joined':
        this.emit('joined', message);
        this.#settle(message.id, message);
        break;
      case 'peer-joined':
      case 'peer-updated':
      case 'peer-away':
      case 'peer-left':
        this.emit('peer', message);
        break;
      case 'signal':
        this.emit('signal', message);
        break;
      case 'ping':
        this.#send({ type: 'pong', ...(message.t === undefined ? {} : { t: message.t }) });
        break;
      case 'ack':
        this.#settle(message.id, message);
        break;
      case 'error':
        this.#refused(message);
        break;
      case 'goaway':
        if (message.action === 'disconnect') this.close();
        break;
      case undefined:
        break;
    }
  }

  #refused(message: ErrorMessage): void {
    const error = new SignalingError(message.code, message.message);
    const pending = typeof message.id === 'number' ? this.#pending.get(message.id) : undefined;
    if (pending) {
      this.#pending.delete(message.id as number);
      pending.reject(error);
    } else if (!this.#ready && this.#connecting) {
      this.#connecting.reject(error);
      this.#connecting = undefined;
      this.close();
    } else if (message.code === 'id_taken') {
      // Our old socket is still thought alive: the next try comes after the server has dropped it.
      this.#socket?.close(1000);
    } else {
      this.emit('error', message);
    }
  }

  #settle(id: string | number | undefined, message: Joined | { type: 'ack' }): void {
    if (typeof id !== 'number') return;
    this.#pending.get(id)?.resolve(message as never);
    this.#pending.delete(id);
  }

  #lost(event: { code: number; reason: string }): void {
    clearTimeout(this.#watchdog);
    this.#socket = undefined;
    this.#failPending(new SignalingError('lost', 'the connection to the server was lost'));
    if (this.#closed) return;
    if (!this.#ready) {
      this.#closed = true;
      this.#setState('closed');
      this.#connecting?.reject(new SignalingError('unreachable', event.reason || `cannot reach ${this.url}`));
      this.#connecting = undefined;
      return;
    }
    this.#setState('reconnecting');
    const pause = BACK_OFF_MS[Math.min(this.#attempt++, BACK_OFF_MS.length - 1)] ?? 7000;
    this.#retry = setTimeout(() => this.#open(), pause * (0.8 + 0.4 * Math.random()));
  }

  #request<Reply = unknown>(message: Record<string, unknown>): Promise<Reply> {
    return new Promise<Reply>((resolve, reject) => {
      if (this.#state !== 'connected') {
        reject(new SignalingError('not_connected', 'not connected to the server'));
        return;
      }
      const id = this.#nextId++;
      this.#pending.set(id, { resolve: resolve as (message: never) => void, reject });
      this.#send({ ...message, id });
    });
  }

  #send(message: Record<string, unknown>): void {
    if (this.#socket?.readyState === 1) this.#socket.send(JSON.stringify(message));
  }

  #failPending(error: Error): void {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const request of pending) request.reject(error);
  }

  #setState(state: SignalingState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.emit('state', state);
  }
}
