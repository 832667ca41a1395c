export { noticesService } from "./descriptor.ts";
