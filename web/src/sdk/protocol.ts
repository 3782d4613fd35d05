// The messages of signaling/protocol.md, as the browser sees them.

export const SUBPROTOCOL = 'linnet.1';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type PresenceData = { name?: string; device?: 'phone' | 'tv' | 'computer' } & { [key: string]: Json };

export interface PeerInfo {
  peer: string;
  data: PresenceData;
  since: number;
}

/** What one `signal` carries: exactly one of these members. */
export interface SignalBody {
  description?: RTCSessionDescriptionInit;
  candidate?: RTCIceCandidateInit | null;
  candidates?: (RTCIceCandidateInit | null)[];
  close?: { reason?: string };
  sealed?: string;
}

export interface Welcome {
  type: 'welcome';
  protocols: string[];
  server: string;
  features: string[];
  auth: string[];
  limits: Record<string, number>;
}
export interface Ready {
  type: 'ready';
  peer: string;
  session: string;
  /** A secret: with it this peer takes its id over from a socket that the server still thinks alive. */
  resume?: string;
  resumed: boolean;
  heartbeat: number;
  iceServers: RTCIceServer[];
}
/** Instead of those in `ready`: other servers, or new credentials. */
export interface IceServers {
  type: 'ice-servers';
  iceServers: RTCIceServer[];
}
export interface Joined {
  type: 'joined';
  id?: string | number;
  room: string;
  peers: PeerInfo[];
  permissions: string[];
  max: number;
}
export interface PeerMessage {
  type: 'peer-joined' | 'peer-updated' | 'peer-away' | 'peer-left';
  room: string;
  peer: string;
  data?: PresenceData;
  since?: number;
  reason?: string;
}
export interface Signal extends SignalBody {
  type: 'signal';
  room: string;
  from: string;
  conn?: string;
}
/** Small data of the application. */
export interface Message {
  type: 'message';
  room: string;
  from: string;
  data: Json;
}
export interface Goaway {
  type: 'goaway';
  action: 'resume' | 'reconnect' | 'disconnect';
  url?: string;
  afterMs?: number;
}
export interface ErrorMessage {
  type: 'error';
  id?: string | number;
  code: string;
  message: string;
  retryAfterMs?: number;
  fatal?: boolean;
  to?: string;
}
export interface Ack {
  type: 'ack';
  id: string | number;
}
export interface Ping {
  type: 'ping';
  t?: Json;
}
export type ServerMessage = Welcome | Ready | IceServers | Joined | PeerMessage | Signal | Message | Goaway | ErrorMessage | Ack | Ping;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Exactly one of the five members, of the right shape: what is in a description or candidate is for the browser to judge. */
function isSignalBody(message: Record<string, unknown>): boolean {
  const { description, candidate, candidates, close, sealed } = message;
  const members = [description, candidate, candidates, close, sealed].filter((member) => member !== undefined);
  if (members.length !== 1) return false;
  if (description !== undefined) return isObject(description) && typeof description['type'] === 'string';
  if (candidate !== undefined) return candidate === null || isObject(candidate);
  if (candidates !== undefined) return Array.isArray(candidates) && candidates.every((each) => each === null || isObject(each));
  return close !== undefined ? isObject(close) : typeof sealed === 'string';
}

/** Reads one frame; `undefined` is something that this client does not know and ignores. */
export function parseServerMessage(text: string): ServerMessage | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const message = value;
  const has = (key: string, type: string) => typeof message[key] === type;
  switch (message['type']) {
    case 'welcome':
      return Array.isArray(message['protocols']) ? (message as unknown as Welcome) : undefined;
    case 'ready':
      return has('peer', 'string') && has('session', 'string') ? (message as unknown as Ready) : undefined;
    case 'ice-servers':
      return Array.isArray(message['iceServers']) ? (message as unknown as IceServers) : undefined;
    case 'joined':
      return has('room', 'string') && Array.isArray(message['peers']) ? (message as unknown as Joined) : undefined;
    case 'peer-joined':
    case 'peer-updated':
    case 'peer-away':
    case 'peer-left':
      return has('room', 'string') && has('peer', 'string') ? (message as unknown as PeerMessage) : undefined;
    case 'signal':
      return has('from', 'string') && isSignalBody(message) ? (message as unknown as Signal) : undefined;
    case 'message':
      return has('from', 'string') && 'data' in message ? (message as unknown as Message) : undefined;
    case 'goaway':
      return has('action', 'string') ? (message as unknown as Goaway) : undefined;
    case 'error':
      return has('code', 'string') ? (message as unknown as ErrorMessage) : undefined;
    case 'ack':
    case 'ping':
      return message as unknown as Ack | Ping;
    default:
      return undefined;
  }
}
