// The JSON API. Answers are kept by the browser and asked for again by their ETag.

export class Refused extends Error {
  constructor(sentence, status) {
    super(sentence);
    this.status = status;
  }
}

export async function look(path, signal) {
  let answer;
  try {
    answer = await fetch(`api/v1/${path}`, { signal, headers: { Accept: "application/json" } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused("the controller does not answer; is it running?", 0);
  }
  let document;
  try {
    document = await answer.json();
  } catch {
    throw new Refused(`the controller answered ${answer.status} and no JSON`, answer.status);
  }
  if (!answer.ok) throw new Refused(document.error ?? document.message ?? answer.statusText, answer.status);
  return document;
}

export const path = (key) => key.split("/").map(encodeURIComponent).join("/");
