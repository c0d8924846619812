/** Credentials by reference: the configuration names them, only the runtime knows them. */
export interface Secrets {
  /** Null when there is none of that name. */
  read(name: string): string | null;
}
