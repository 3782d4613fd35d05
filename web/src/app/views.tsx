import type { RefObject } from 'preact';
import { useEffect, useReducer, useRef, useState } from 'preact/hooks';
import type { Peer } from '../sdk/peer.ts';
import { ReceiveTransfer } from '../sdk/transfer.ts';
import { bytes, duration, isRoomName } from './format.ts';
import { listen, shortcutSwitch } from './shortcuts.ts';
import { save, type Conversation, type FileRow } from './state.ts';
import { strings as s } from './strings.ts';

export function JoinForm(props: { room: string; name: string; error: string; busy: boolean; onJoin: (room: string, name: string) => void }) {
  const [room, setRoom] = useState(props.room);
  const [name, setName] = useState(props.name);
  const [complaint, setComplaint] = useState('');
  const submit = (event: Event) => {
    event.preventDefault();
    const fine = isRoomName(room.trim());
    setComplaint(fine ? '' : s.badRoom);
    if (fine) props.onJoin(room.trim(), name.trim());
  };
  return (
    <main class="join">
      <h1>{s.title}</h1>
      <p>{s.tagline}</p>
      <form onSubmit={submit}>
        <label>
          {s.yourName}
          <input name="name" value={name} required maxLength={40} autoComplete="nickname" autoFocus onInput={(e) => setName(e.currentTarget.value)} />
        </label>
        <label>
          {s.room}
          <input name="room" value={room} required maxLength={64} autoCapitalize="off" spellcheck={false} onInput={(e) => setRoom(e.currentTarget.value)} />
        </label>
        <button type="submit" disabled={props.busy}>
          {props.busy ? s.joining : s.join}
        </button>
        <p class="error" role="alert">
          {complaint || props.error}
        </p>
      </form>
    </main>
  );
}

function Person({ peer }: { peer: Peer }) {
  const path = peer.state === 'connected' ? s.path[peer.path] : '';
  return (
    <li data-state={peer.state} data-peer={peer.id}>
      <span class="name">{peer.name}</span>
      <span class="state">
        {s.connection[peer.state]}
        {path && `, ${path}`}
      </span>
    </li>
  );
}

function File({ row }: { row: FileRow }) {
  const { transfer, who } = row;
  const incoming = transfer instanceof ReceiveTransfer;
  const seconds = ((transfer.endedAt || performance.now()) - transfer.startedAt) / 1000;
  const rate = transfer.startedAt && seconds > 0 ? transfer.bytes / seconds : 0;
  const left = rate > 0 ? (transfer.size - transfer.bytes) / rate : 0;
  return (
    <li data-state={transfer.state} data-file={transfer.name}>
      <span class="name">{transfer.name || '…'}</span>
      <span class="who">{incoming ? s.offers(who) : s.sendsTo(who)}</span>
      <progress max={Math.max(1, transfer.size)} value={transfer.size === 0 && transfer.state === 'done' ? 1 : transfer.bytes} aria-label={transfer.name} />
      <span class="state">
        {bytes(transfer.bytes)} / {bytes(transfer.size)}
        {transfer.state === 'running' && rate > 0 && ` · ${bytes(rate)}/s · ${duration(left)}`} {s.transfer[transfer.state]}
        {transfer.state === 'failed' && transfer.reason && `: ${transfer.reason}`}
      </span>
      <span class="buttons">
        {incoming && transfer.state === 'waiting' && transfer.offered && (
          <>
            <button onClick={() => transfer.accept()}>{s.accept}</button>
            <button onClick={() => transfer.refuse()}>{s.decline}</button>
          </>
        )}
        {!transfer.ended && !(incoming && transfer.state === 'waiting') && <button onClick={() => transfer.cancel()}>{s.cancel}</button>}
        {incoming && transfer.blob && <button onClick={() => save(transfer)}>{s.download}</button>}
      </span>
    </li>
  );
}

/** Always there, seen when `dialog` is open: the element alone knows whether it is, so no event of it can come too late. */
function Help({ dialog }: { dialog: RefObject<HTMLDialogElement> }) {
  const [on, setOn] = useState(shortcutSwitch.on);
  const change = (event: Event & { currentTarget: HTMLInputElement }) => {
    shortcutSwitch.on = event.currentTarget.checked;
    setOn(shortcutSwitch.on);
  };
  const close = () => {
    dialog.current?.close();
    // The focus that goes back to nothing in particular would stay on the hidden switch until the next drawing.
    const focused = document.activeElement;
    if (focused instanceof HTMLElement && dialog.current?.contains(focused)) focused.blur();
  };
  // Browsers close on Esc by themselves, some of them later: a key that follows must find it closed.
  const onKey = (event: KeyboardEvent) => {
    if (event.key !== 'Escape' || event.isComposing) return;
    event.preventDefault();
    close();
  };
  return (
    <dialog ref={dialog} class="help" aria-label={s.help} onKeyDown={onKey}>
      <h2>{s.help}</h2>
      <dl>
        {Object.entries(s.shortcuts).map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key === 'Escape' ? 'Esc' : key.toUpperCase()}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <label class="switch">
        <input type="checkbox" name="shortcuts" checked={on} onChange={change} /> {s.shortcutsOn}
      </label>
      <p class="hint">{on ? s.shortcutsHint : s.shortcutsOff}</p>
      <button onClick={close}>{s.close}</button>
    </dialog>
  );
}

export function RoomView({ conversation, onLeave }: { conversation: Conversation; onLeave: () => void }) {
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  const [text, setText] = useState('');
  const [notice, setNotice] = useState('');
  const [dragging, setDragging] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const log = useRef<HTMLOListElement>(null);
  const help = useRef<HTMLDialogElement>(null);

  // Modal: the focus goes in, stays, and returns to where it was.
  const openHelp = () => {
    if (!help.current?.open) help.current?.showModal();
  };

  const copyLink = async () => {
    try {
      await navigator.clipboard.writeText(location.href);
      setNotice(s.linkCopied);
    } catch {
      setNotice(location.href);
    }
  };
  useEffect(() => conversation.on('change', () => redraw(0)), [conversation]);
  useEffect(
    () =>
      listen({
        c: () => input.current?.focus(),
        u: () => picker.current?.click(),
        l: () => void copyLink(),
        '?': openHelp,
      }),
    [],
  );
  useEffect(() => log.current?.lastElementChild?.scrollIntoView({ block: 'nearest' }), [conversation.chat.at(-1)?.key]);

  const say = (event: Event) => {
    event.preventDefault();
    if (text.trim() === '') return;
    if (conversation.say(text)) {
      setText('');
      setNotice('');
    } else {
      setNotice(s.tooLong);
    }
  };
  const send = (chosen: FileList | null | undefined) => {
    if (chosen?.length) setNotice(conversation.sendFiles(chosen) ? '' : s.nobodyTakes);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setDragging(false);
    send(event.dataTransfer?.files);
  };
  const { peers, chat, files, room, signaling } = conversation;

  return (
    <div
      class={dragging ? 'room dragging' : 'room'}
      onDragOver={(event) => {
        event.preventDefault();
        setDragging(true);
      }}
      onDragLeave={(event) => event.relatedTarget === null && setDragging(false)}
      onDrop={drop}
    >
      <header>
        <h1>{room.name}</h1>
        <button onClick={() => void copyLink()}>{s.copyLink}</button>
        <button aria-label={s.help} onClick={openHelp}>
          ?
        </button>
        <button onClick={onLeave}>{s.leave}</button>
      </header>
      <p class="notice" role="status">
        {s.signaling[signaling] || notice}
      </p>
      <section class="people" aria-label={s.people}>
        <h2>{s.people}</h2>
        <ul>
          <li data-self>
            <span class="name">{conversation.name}</span>
            <span class="state">{s.you}</span>
          </li>
          {peers.map((peer) => (
            <Person key={peer.id} peer={peer} />
          ))}
        </ul>
        {peers.length === 0 && (
          <p class="hint">
            {s.nobody} <code>linnet chat {/[ ]/.test(room.name) ? `'${room.name}'` : room.name}</code>
          </p>
        )}
      </section>
      <section class="chat" aria-label={s.chat}>
        <h2>{s.chat}</h2>
        <ol ref={log} aria-live="polite">
          {chat.map((line) => (
            <li key={line.key} class={line.kind}>
              {line.who && <span class="name">{line.who}</span>}
              <span class="text">{line.text}</span>
            </li>
          ))}
        </ol>
        <form onSubmit={say}>
          <input ref={input} name="message" value={text} aria-label={s.message} placeholder={s.message} autoComplete="off" onInput={(e) => setText(e.currentTarget.value)} />
          <button type="submit">{s.send}</button>
        </form>
      </section>
      <section class="files" aria-label={s.files}>
        <h2>{s.files}</h2>
        <label class="button">
          {s.sendFile}
          <input
            ref={picker}
            type="file"
            name="file"
            multiple
            onChange={(event) => {
              send(event.currentTarget.files);
              event.currentTarget.value = '';
            }}
          />
        </label>
        <p class="hint">{s.dropHere}</p>
        <ul>
          {files.map((row) => (
            <File key={row.key} row={row} />
          ))}
        </ul>
      </section>
      <Help dialog={help} />
    </div>
  );
}
