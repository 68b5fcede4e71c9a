/** The client library, for programs that import it from here. It lies in `client/`. */
export * from "../../client/index.ts"
