export type Shortcuts = Record<string, () => void>;

/** Calls the action of a key. Not while somebody types, composes, holds the key down or uses a modifier (WCAG 2.1.4). */
export function listen(actions: Shortcuts): () => void {
  const onKey = (event: KeyboardEvent) => {
    if (event.isComposing || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target as HTMLElement | null;
    const typing = target?.matches('input, textarea, select, [contenteditable]') ?? false;
    if (typing && event.key !== 'Escape') return;
    if (document.querySelector('dialog[open]')) return;
    const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action) return;
    event.preventDefault();
    action();
  };
  document.addEventListener('keydown', onKey);
  return () => document.removeEventListener('keydown', onKey);
}
