// Route templates of HTTP functions, as ASP.NET reads them: `alerts/{id:int}/{view?}`, `files/{*path}`. Literals match
// in any case. Default values, regex constraints and text beside a parameter in one segment are not supported.

export interface Route {
  /** Parameters of a path, given as its decoded segments; null if it does not match. An absent optional one has no key. */
  match(path: readonly string[]): Record<string, string> | null;
  /** Of two routes that match one path the one whose text sorts first wins: literals before parameters before catch-alls. */
  readonly precedence: string;
}

type Constraint = (value: string) => boolean;

type Segment =
  | { readonly kind: 'literal'; readonly text: string }
  | {
      readonly kind: 'one' | 'optional' | 'catchAll';
      readonly name: string;
      readonly constraints: readonly Constraint[];
    };

/** Throws on a template that this host cannot read. */
export function parseRoute(template: string): Route {
  const segments = template
    .split('/')
    .filter((text) => text !== '')
    .map((text) => parseSegment(text, template));
  const misplaced = segments
    .slice(0, -1)
    .some(({ kind }) => kind === 'optional' || kind === 'catchAll');
  if (misplaced) {
    throw new Error(
      `The route "${template}" has an optional or catch-all parameter before its end`,
    );
  }
  return {
    match: (path) => match(segments, path),
    precedence: segments.map(precedence).join(''),
  };
}

function match(
  segments: readonly Segment[],
  path: readonly string[],
): Record<string, string> | null {
  const parameters: Record<string, string> = {};
  let at = 0;
  for (const segment of segments) {
    const rest = path.slice(at);
    if (segment.kind === 'literal') {
      if (rest[0]?.toLowerCase() !== segment.text) return null;
      at++;
      continue;
    }
    const value = segment.kind === 'catchAll' ? rest.join('/') : (rest[0] ?? '');
    if (value === '') {
      if (segment.kind === 'one' || rest.length > 0) return null;
      continue;
    }
    if (!segment.constraints.every((allows) => allows(value))) return null;
    parameters[segment.name] = value;
    at += segment.kind === 'catchAll' ? rest.length : 1;
  }
  return at === path.length ? parameters : null;
}

function precedence(segment: Segment): string {
  if (segment.kind === 'literal') return '1';
  const constrained = segment.constraints.length > 0;
  if (segment.kind === 'catchAll') return constrained ? '4' : '5';
  return constrained ? '2' : '3';
}

function parseSegment(text: string, template: string): Segment {
  if (!/[{}]/.test(text)) return { kind: 'literal', text: text.toLowerCase() };
  const parts = /^\{(\*{0,2})(\w+)((?::\w+(?:\([^()]*\))?)*)(\??)\}$/.exec(text);
  if (parts === null)
    throw new Error(`The route "${template}" has an unsupported segment: "${text}"`);
  const [, stars = '', name = '', constraints = '', optional = ''] = parts;
  return {
    kind: stars !== '' ? 'catchAll' : optional !== '' ? 'optional' : 'one',
    name,
    constraints: Array.from(constraints.matchAll(/:(\w+)(?:\(([^()]*)\))?/g), (found) =>
      parseConstraint(found[1]!, found[2] ?? '', template),
    ),
  };
}

function parseConstraint(name: string, argument: string, template: string): Constraint {
  const [first = Number.NaN, second = first] = argument.split(',').map(Number);
  const between = (value: number, from: number, to: number) => value >= from && value <= to;
  switch (name) {
    case 'int':
      return (value) => isInteger(value) && between(Number(value), -(2 ** 31), 2 ** 31 - 1);
    case 'long':
      return (value) => isInteger(value) && BigInt.asIntN(64, BigInt(value)) === BigInt(value);
    case 'bool':
      return (value) => /^(?:true|false)$/i.test(value);
    case 'guid':
      return (value) => /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(value);
    case 'alpha':
      return (value) => /^[a-z]+$/i.test(value);
    case 'min':
      return (value) => isInteger(value) && Number(value) >= first;
    case 'max':
      return (value) => isInteger(value) && Number(value) <= first;
    case 'range':
      return (value) => isInteger(value) && between(Number(value), first, second);
    case 'minlength':
      return (value) => value.length >= first;
    case 'maxlength':
      return (value) => value.length <= first;
    case 'length':
      return (value) => between(value.length, first, second);
    default:
      throw new Error(`The route "${template}" has an unsupported constraint: "${name}"`);
  }
}

function isInteger(text: string): boolean {
  return /^-?\d{1,20}$/.test(text);
}
