// The key stands behind the # of the address, which no server and no log ever sees. It is taken out of the address and turned into a cookie.

const token = location.hash.slice(1);
const said = document.getElementById("door-said");

async function enter(form) {
  const r = await fetch("/enter", { method: "POST", body: new URLSearchParams(form) });
  if (r.ok) {
    location.replace(location.pathname + location.search);
    return;
  }
  said.textContent = form.password !== undefined ? "This is not the password." : "This key was used before, or is of an earlier run. Start shoebox serve again for a new one.";
}

if (token) {
  history.replaceState(null, "", location.pathname + location.search);
  said.textContent = "Opening…";
  enter({ token });
}

document.getElementById("door-form")?.addEventListener("submit", (e) => {
  e.preventDefault();
  enter({ password: document.getElementById("password").value });
});
