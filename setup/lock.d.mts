/** Takes the lock at a path without waiting, or says which process has it. Throws what the file system refuses. */
export declare const takeLock: (
  path: string
) => { readonly release: () => void; readonly holder?: never } | { readonly holder: number; readonly release?: never }
