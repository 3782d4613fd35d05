export type Shortcuts = Record<string, () => void>;

const KEY = 'linnet.shortcuts';

/** Whether shortcuts of a single character act (WCAG 2.1.4 wants a way to turn them off). The browser remembers it. */
export class ShortcutSwitch {
  #on: boolean;

  constructor() {
    try {
      this.#on = localStorage.getItem(KEY) !== 'off';
    } catch {
      this.#on = true;
    }
  }

  get on(): boolean {
    return this.#on;
  }

  set on(on: boolean) {
    this.#on = on;
    try {
      localStorage.setItem(KEY, on ? 'on' : 'off');
    } catch {
      // Then it lasts as long as the page.
    }
  }
}

export const shortcutSwitch = new ShortcutSwitch();

/** Calls the action of a key. Not while somebody types, composes, holds the key down or uses a modifier, and not when single characters are switched off. */
export function listen(actions: Shortcuts, allowed: { readonly on: boolean } = shortcutSwitch): () => void {
  const onKey = (event: KeyboardEvent) => {
    if (event.isComposing || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key.length === 1 && !allowed.on) return;
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
