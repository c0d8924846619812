/** Traffic Light Protocol 2.0, from freest to strictest; `white` of TLP 1 is `clear`. It says who may be told. */
export type Tlp = 'clear' | 'green' | 'amber' | 'amber+strict' | 'red';

export const TLPS: readonly Tlp[] = ['clear', 'green', 'amber', 'amber+strict', 'red'];

/** `TLP:AMBER`, `tlp:white`, `amber+strict`; null for any other text. */
export function parseTlp(text: string): Tlp | null {
  const name = text.trim().toLowerCase().replace(/^tlp:/, '');
  if (name === 'white') return 'clear';
  return TLPS.find((tlp) => tlp === name) ?? null;
}

/** The stricter of two markings; null is none. */
export function strictest(a: Tlp | null, b: Tlp | null): Tlp | null {
  if (a === null || b === null) return a ?? b;
  return TLPS.indexOf(a) >= TLPS.indexOf(b) ? a : b;
}
