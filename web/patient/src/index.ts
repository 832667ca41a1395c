export { documentFor, readSite, type Site, type SiteLanguage, siteLanguages } from "./site.ts";
