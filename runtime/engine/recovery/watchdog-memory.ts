/** What the event loop tells the thread that watches it. */
export interface Limits {
  readonly shared: SharedArrayBuffer
  readonly limitMillis: number
}

/** Places of the flags: how many decisions were begun; 0, or one more than the bytes of the actor's name while there is one. */
export const TURN = 0
export const ACTIVE = 1

export const NAME_BYTES = 512
export const SHARED_BYTES = 16 + NAME_BYTES

export const views = (shared: SharedArrayBuffer) => ({
  flags: new Int32Array(shared, 0, 2),
  sequences: new Float64Array(shared, 8, 1),
  names: new Uint8Array(shared, 16, NAME_BYTES)
})
