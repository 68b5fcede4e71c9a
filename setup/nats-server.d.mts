export declare const OLDEST: string
export declare const ROOT: string
/** Where what was fetched is kept. */
export declare const CACHE: string
export declare const fetchedPath: (cache?: string) => string
export declare const versionOf: (path: string) => string | undefined
export declare const isNewEnough: (version: string) => boolean

/** A nats-server that can be used; or why the named one cannot; or none of it: there is no nats-server. */
export interface Found {
  readonly path?: string
  readonly version?: string
  readonly problem?: string
}

/** Finds a nats-server: the one that is named, else one on the PATH that is new enough, else the one that was fetched. */
export declare const findNatsServer: (options?: {
  readonly name?: string | undefined
  readonly cache?: string | undefined
  readonly searchPath?: string | undefined
}) => Found
