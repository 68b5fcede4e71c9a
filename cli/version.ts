/** The version of the command, the gateway and what they print. */
export const VERSION = "0.1.0"
