// A client whose clock is wrong: `node test/support/late-clock-main.ts URL SECRET SHIFT_SECONDS FOR_SECONDS` says how often it asked
// for a token and how often it connected.
import { SignJWT } from "jose"
import { GatewayClient } from "../../client/index.ts"

const [url = "", secret = "", shift = "0", seconds = "1"] = process.argv.slice(2)
const LIFE_SECONDS = 600

const now = Date.now.bind(Date)
Date.now = () => now() + Number(shift) * 1_000

let tokens = 0
let connected = 0
const token = () => {
  tokens++
  const issued = Math.floor(now() / 1_000)
  return new SignJWT({ patterns: [">"] })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject("ada")
    .setIssuedAt(issued)
    .setExpirationTime(issued + LIFE_SECONDS)
    .sign(Buffer.from(secret))
}
const onState = (state: string) => {
  if (state === "open") connected++
}
const client = new GatewayClient({ url, token, onState })
client.subscribe("market.>", { start: "new" }, () => {})
setTimeout(() => {
  console.log(JSON.stringify({ tokens, connected }))
  process.exit(0)
}, Number(seconds) * 1_000)
