/** 1234567 -> "1.2 MB", in powers of ten as file managers do. */
export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** 75 -> "1:15". */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n: number) => String(n).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** As much of a name as the protocol takes: 64 bytes of UTF-8 without control characters, cut between characters. */
export function shortName(name: string): string {
  const encoder = new TextEncoder();
  let out = '';
  for (const character of name.replace(/[\u0000-\u001f\u007f]/g, '')) {
    if (encoder.encode(out + character).length > 64) break;
    out += character;
  }
  return out;
}

/** The same rule as signaling/protocol.md has for ids. */
export const isRoomName = (name: string): boolean => /^[A-Za-z0-9](?:[A-Za-z0-9 _.-]{0,62}[A-Za-z0-9])?$/.test(name);
