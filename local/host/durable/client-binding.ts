// What a function with a durable client is given: where the task hub's HTTP API is.

export interface HubAddresses {
  readonly hubName: string;
  /** Where a client outside reaches the API: `http://localhost:PORT/runtime/webhooks/durabletask`. */
  readonly publicUrl: string;
  /** Where the library reaches it; ends in a slash. */
  readonly rpcUrl: string;
  /** One that the public address asks for, or null if it asks for none. */
  readonly key: string | null;
}

/** The place of an instance's id in the templates. */
const ID = 'INSTANCEID';

export function clientBinding(addresses: HubAddresses): object {
  const { hubName, publicUrl, rpcUrl, key } = addresses;
  const query = requiredQuery(addresses);
  const create = `${publicUrl}/orchestrators/{functionName}[/{instanceId}]`;
  return {
    taskHubName: hubName,
    creationUrls: {
      createNewInstancePostUri: `${create}?${query}`,
      createAndWaitOnNewInstancePostUri: `${create}?timeout={timeoutInSeconds}&pollingInterval={intervalInSeconds}&${query}`,
    },
    managementUrls: { id: ID, ...managementUrls(addresses, ID) },
    baseUrl: publicUrl,
    requiredQueryStringParameters: key === null ? '' : `code=${encodeURIComponent(key)}`,
    rpcBaseUrl: rpcUrl,
  };
}

export function managementUrls(addresses: HubAddresses, instanceId: string) {
  const instance = `${addresses.publicUrl}/instances/${instanceId}`;
  const query = requiredQuery(addresses);
  return {
    statusQueryGetUri: `${instance}?${query}`,
    sendEventPostUri: `${instance}/raiseEvent/{eventName}?${query}`,
    terminatePostUri: `${instance}/terminate?reason={text}&${query}`,
    rewindPostUri: `${instance}/rewind?reason={text}&${query}`,
    purgeHistoryDeleteUri: `${instance}?${query}`,
    restartPostUri: `${instance}/restart?${query}`,
    suspendPostUri: `${instance}/suspend?reason={text}&${query}`,
    resumePostUri: `${instance}/resume?reason={text}&${query}`,
  };
}

function requiredQuery({ hubName, key }: HubAddresses): string {
  const code = key === null ? '' : `&code=${encodeURIComponent(key)}`;
  return `taskHub=${encodeURIComponent(hubName)}&connection=Storage${code}`;
}
