// Sends the authorization response on; without this file the page's button does. Old syntax, for old embedded browsers.
"use strict";

document.querySelector("form[data-submit-now]").submit();
