import { bogonOverlap } from '../address/bogon.ts';
import { type Prefix, widthOf } from '../address/prefix.ts';

/** An indicator broader than an IPv4 /8 or an IPv6 /16 describes the Internet, not a threat. Real lists end at /9 and /19. */
const MAX_HOST_BITS: Readonly<Record<4 | 6, number>> = { 4: 24, 6: 112 };

/** Whether a prefix covers so much that nobody can mean all of it. */
export function isTooBroad({ family, bits }: Prefix): boolean {
  return widthOf(family) - bits > MAX_HOST_BITS[family];
}

/** Why addresses that parse are no indicator; null if they are one. `hostBits` is log2 of their number, rounded up. */
export function refusalOfNets(
  nets: readonly Prefix[],
  hostBits: number,
): 'bogon' | 'tooBroad' | null {
  const overlaps = nets.map(bogonOverlap);
  if (overlaps.every((overlap) => overlap === 'inside')) return 'bogon';
  if (nets.some(({ family }) => hostBits > MAX_HOST_BITS[family])) return 'tooBroad';
  return overlaps.every((overlap) => overlap === 'none') ? null : 'bogon';
}
