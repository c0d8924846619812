import type { Direction } from '../telemetry/direction.ts';

export type Severity = 'informational' | 'low' | 'medium' | 'high';

/** From least to greatest. Stored by number in the activity log, so the order is part of the format. */
export const SEVERITIES: readonly Severity[] = ['informational', 'low', 'medium', 'high'];

export function isGraver(severity: Severity, than: Severity): boolean {
  return SEVERITIES.indexOf(severity) > SEVERITIES.indexOf(than);
}

export function gravest(a: Severity, b: Severity): Severity {
  return isGraver(b, a) ? b : a;
}

export function capped(severity: Severity, most: Severity): Severity {
  return isGraver(severity, most) ? most : severity;
}

/**
 * How grave contact with a listed address is: payload both ways that the device began is the worst, a probe that nobody
 * answered the least (docs/architecture.md, "Direction"; this overrides the catalogue's flat "Medium").
 */
export const SEVERITY_OF_CONTACT: Readonly<Record<Direction, Severity>> = {
  outboundExchange: 'high',
  outboundAttempt: 'medium',
  inboundExchange: 'medium',
  inboundProbe: 'low',
};
