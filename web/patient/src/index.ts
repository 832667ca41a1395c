export { documentFor, type PageFile, readSite, type Site, type SiteLanguage, siteLanguages } from "./site.ts";
