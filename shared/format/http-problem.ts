// How the management API says no: `{"error": {"code", "message", "target"?, "details"?}}` under a status of its own. Where the API
// is ARM's this is its CloudError.

/** Codes are for programs; each has one status. */
const STATUS_OF_REQUEST = {
  InvalidRequest: 400,
  MissingApiVersionParameter: 400,
  InvalidApiVersionParameter: 400,
  ResourceNotFound: 404,
  UnknownFeed: 404,
  UnknownNetwork: 404,
  UnknownHunt: 404,
  FeedDisabled: 409,
  NothingHeld: 409,
  NoEarlierState: 409,
  Conflict: 409,
  QuotaExceeded: 409,
  PreconditionFailed: 412,
  BodyTooLarge: 413,
  PreconditionRequired: 428,
  TooManyHunts: 429,
} as const;

export type RequestCode = keyof typeof STATUS_OF_REQUEST;

/** One thing that is wrong with a resource of ARM's; `target` is the path of the field. */
export interface FieldProblem {
  readonly code: string;
  readonly message: string;
  readonly target: string;
}

/** What was asked for cannot be done; the caller is told why. */
export class RequestError extends Error {
  readonly code: RequestCode;
  /** One line for each thing that is wrong. */
  readonly details: readonly string[];
  /** Instead of details where the API is ARM's. */
  readonly fields: readonly FieldProblem[];
  constructor(
    code: RequestCode,
    message: string,
    details: readonly string[] = [],
    fields: readonly FieldProblem[] = [],
  ) {
    super(message);
    this.code = code;
    this.details = details;
    this.fields = fields;
  }
}

/** An answer in the shape that the Functions runtime takes. */
export interface HttpAnswer {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly jsonBody?: unknown;
}

/** The answer of `work`, or the one that says why there is none; what nobody foresaw is thrown to the host. */
export async function answering(work: () => Promise<HttpAnswer>): Promise<HttpAnswer> {
  try {
    return await work();
  } catch (error) {
    const answer = problemAnswer(error);
    if (answer === null) throw error;
    return answer;
  }
}

function problemAnswer(error: unknown): HttpAnswer | null {
  if (error instanceof RequestError) {
    const { code, message, details, fields } = error;
    const told = fields.length === 0 ? details : fields;
    return problem(STATUS_OF_REQUEST[code], code, message, told);
  }
  return ofOurOwn(error);
}

/** Faults on our side that an operator can mend, by the codes that their errors carry. */
function ofOurOwn(error: unknown): HttpAnswer | null {
  if (!(error instanceof Error) || !('code' in error)) return null;
  if (error.code === 'CONFIGURATION') {
    const details = 'problems' in error && Array.isArray(error.problems) ? error.problems : [];
    const message = 'a configuration file of Threadwatch is not valid; mend it first';
    return problem(500, 'InvalidConfiguration', message, details.map(String));
  }
  if (error.code === 'PUBLISH_CONFLICT') {
    const message = 'it is stored, and the next refresh publishes it, within a minute';
    return problem(503, 'NotYetPublished', message, []);
  }
  return null;
}

function problem(
  status: number,
  code: string,
  message: string,
  details: readonly (string | FieldProblem)[],
): HttpAnswer {
  const [first] = details;
  const target = typeof first === 'object' ? { target: first.target } : {};
  return {
    status,
    jsonBody: { error: { code, message, ...target, ...(details.length === 0 ? {} : { details }) } },
  };
}
