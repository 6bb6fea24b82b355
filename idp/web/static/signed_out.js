// Goes on as soon as the frames that tell the applications have loaded; without this file the page's refresh does, after
// some seconds. Old syntax, for old embedded browsers.
"use strict";

(function () {
  var gone = false;
  function goOn() {
    var link = document.getElementById("sign-out-continue");
    if (gone || !link) { return; }
    gone = true;
    window.location.replace(link.href);
  }
  window.addEventListener("load", goOn);
  setTimeout(goOn, 3000);
})();
