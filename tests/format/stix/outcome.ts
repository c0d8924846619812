import { formatPrefix } from '../../../shared/domain/address/prefix.ts';
import type { Constraint } from '../../../shared/domain/indicator/constraint.ts';
import { readPattern } from '../../../shared/format/stix/pattern.ts';

/** A reading in one line: `45.66.64.1/32 45.66.64.2/32 (dst 443 tcp); -bogon 10.0.0.1`. */
export function outcome(pattern: string): string {
  const { alternatives, refused } = readPattern(pattern);
  const taken = alternatives.map(({ nets, constraint }) => {
    const shown = constraint === null ? '' : ` (${shownConstraint(constraint)})`;
    return nets.map(formatPrefix).join(' ') + shown;
  });
  return [...taken, ...refused.map(({ reason, text }) => `-${reason} ${text}`)].join('; ');
}

/** The reasons alone. */
export function reasons(pattern: string): string[] {
  return readPattern(pattern).refused.map(({ reason }) => reason);
}

function shownConstraint({ ports, direction, protocol }: Constraint): string {
  const end = direction === null ? null : { source: 'src', destination: 'dst' }[direction];
  return [end, ports?.join(), protocol].filter((part) => typeof part === 'string').join(' ');
}
