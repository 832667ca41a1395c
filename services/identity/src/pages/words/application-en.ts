/** A request of an application that can't be answered, told to the person in whose browser it arrived. */
export const applicationEn = {
  title: "The application's request can't be answered",
  nothing: "Nothing was given to anybody, and nothing has changed.",
  unknownClient: "WellAPI does not know this application, or it may no longer be used.",
  redirect:
    "The application wants you to be sent to an address that it has not registered with WellAPI. So you are not sent there.",
  ended: "The request took too long, was answered already, or was begun in another browser.",
  malformed: "Something is wrong with how the application asks.",
  noSession: "WellAPI can't tell which sign-in is to be ended.",
  away: "A part of WellAPI does not answer right now. Try again in a minute.",
  what: "Go back to the application and begin again. If it stays so, tell those who make the application; the details below help them.",
  details: "Details for those who make the application",
};
