import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Conversation } from './state.ts';
import { strings } from './strings.ts';
import { JoinForm, RoomView } from './views.tsx';

const NAME_KEY = 'linnet.name';

function roomInAddress(): string {
  const match = /^\/r\/([^/]+)\/?$/.exec(location.pathname);
  try {
    return match?.[1] ? decodeURIComponent(match[1]) : '';
  } catch {
    return '';
  }
}

function storedName(): string {
  try {
    return localStorage.getItem(NAME_KEY) ?? '';
  } catch {
    return '';
  }
}

function App() {
  const [conversation, setConversation] = useState<Conversation>();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState('');
  const room = roomInAddress() || 'lobby';

  useEffect(() => {
    document.title = conversation ? `${conversation.room.name} · ${strings.title}` : strings.title;
    if (!conversation) return undefined;
    const leave = () => conversation.leave();
    // A page that the browser kept and shows again has left its room: back to the form.
    const shown = (event: PageTransitionEvent) => event.persisted && setConversation(undefined);
    addEventListener('pagehide', leave);
    addEventListener('pageshow', shown);
    return () => {
      removeEventListener('pagehide', leave);
      removeEventListener('pageshow', shown);
    };
  }, [conversation]);

  const join = async (roomName: string, name: string) => {
    setBusy(true);
    setError('');
    try {
      try {
        localStorage.setItem(NAME_KEY, name);
      } catch {
        // Storage may be off: the name is asked for again next time.
      }
      const server = new URL('/v1/ws', location.href);
      server.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
      const joined = await Conversation.join(server.href, roomName, name);
      history.replaceState(null, '', `/r/${encodeURIComponent(roomName)}`);
      setConversation(joined);
    } catch (reason) {
      setError(strings.failedToJoin(reason instanceof Error ? reason.message : String(reason)));
    } finally {
      setBusy(false);
    }
  };

  if (!conversation) return <JoinForm room={room} name={storedName()} error={error} busy={busy} onJoin={(r, n) => void join(r, n)} />;
  const leave = () => {
    conversation.leave();
    setConversation(undefined);
  };
  return <RoomView conversation={conversation} onLeave={leave} />;
}

render(<App />, document.getElementById('app')!);
