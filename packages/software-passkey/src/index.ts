export { createSoftwarePasskey, type SoftwarePasskey } from "./software-passkey.ts";
