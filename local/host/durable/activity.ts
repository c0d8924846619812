// What an activity function is given, and what becomes of its result.
import { z } from 'zod';
import type { InvocationOutcome, Payload } from '../invoker.ts';
import { metadataValue, type TypedData } from '../typed-data.ts';
import { EventType, type FailureDetails, type HistoryEvent, NO_ID } from './history.ts';

/** The input as the orchestrator gave it: the library has made JSON text of a string already. */
export function activityPayload(instanceId: string, input: unknown): Payload {
  const data = inputData(input);
  const triggerMetadata: Record<string, TypedData> = {};
  if (typeof input === 'object' && input !== null && !Array.isArray(input)) {
    for (const [key, value] of Object.entries(input)) {
      const converted = metadataValue(value);
      if (converted !== null) triggerMetadata[key] = converted;
    }
  }
  triggerMetadata['instanceId'] = { string: instanceId };
  triggerMetadata['data'] = data;
  return { input: data, triggerMetadata };
}

function inputData(input: unknown): TypedData {
  if (input === null || input === undefined) return {};
  // .NET's text of a boolean, which is not JSON: the function gets the text "True" or "False".
  if (typeof input === 'boolean') return { string: input ? 'True' : 'False' };
  return { string: typeof input === 'string' ? input : JSON.stringify(input) };
}

/** The answer to a TaskScheduled. */
export function activityAnswer(
  name: string,
  taskId: number,
  outcome: InvocationOutcome,
  timestamp: string,
): HistoryEvent {
  const answer = { EventId: NO_ID, Timestamp: timestamp, TaskScheduledId: taskId };
  if (outcome.status === 'succeeded') {
    const Result = resultText(outcome.response.returnValue);
    return { EventType: EventType.TaskCompleted, ...answer, Result };
  }
  const { message, stack = '' } = outcome.error;
  return {
    EventType: EventType.TaskFailed,
    ...answer,
    // Two spaces, as the extension has them.
    Reason: `Activity function '${name}' failed:  ${message}`,
    Details: exceptionText(message, stack),
    FailureDetails: failureDetails(message),
  };
}

/** JSON text; null for a function that returned nothing. */
export function resultText(value: TypedData | null | undefined): string | null {
  if (!value) return null;
  const { string, json, bytes, int, double } = value;
  if (json !== undefined) return json;
  if (bytes !== undefined) return JSON.stringify(Buffer.from(bytes).toString('base64'));
  const plain = string ?? int ?? double;
  return plain === undefined ? null : JSON.stringify(plain);
}

/** An exception as Newtonsoft writes it. */
function exceptionText(message: string, stack: string): string {
  return JSON.stringify({
    $type: 'System.Exception, System.Private.CoreLib',
    ClassName: 'System.Exception',
    Message: message,
    Data: null,
    InnerException: null,
    HelpURL: null,
    StackTraceString: stack,
    RemoteStackTraceString: null,
    RemoteStackIndex: 0,
    ExceptionMethod: null,
    HResult: -2146233088,
    Source: null,
    WatsonBuckets: null,
  });
}

/** What the library makes of an error's message if the app has set an exception properties provider. */
const describedError = z.object({
  errorType: z.string(),
  errorMessage: z.string(),
  isNonRetriable: z.boolean(),
  properties: z.record(z.string(), z.unknown()),
  stackTrace: z.string().optional(),
});

function failureDetails(message: string): FailureDetails | null {
  if (!message.startsWith('{')) return null;
  let value: unknown;
  try {
    value = JSON.parse(message);
  } catch {
    return null;
  }
  const described = describedError.safeParse(value);
  if (!described.success) return null;
  const { errorType, errorMessage, isNonRetriable, properties, stackTrace } = described.data;
  return {
    ErrorType: errorType,
    ErrorMessage: errorMessage,
    StackTrace: stackTrace ?? null,
    IsNonRetriable: isNonRetriable,
    Properties: properties,
    InnerFailure: null,
  };
}
