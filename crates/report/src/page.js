"use strict";
// Finding, sorting and choosing. Without this, the page is a plain table.
(() => {
  const table = document.getElementById("matrix");
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const rows = [...body.rows];
  const inputs = { run: document.getElementById("run"), on: document.getElementById("on") };
  const count = document.getElementById("count");
  const pick = document.getElementById("pick");
  let sort = { column: 0, down: false };
  let chosen = null;

  // The part of the address after # keeps what was asked, so that it can be passed on.
  const remember = () => {
    const state = new URLSearchParams();
    for (const [name, input] of Object.entries(inputs)) if (input.value) state.set(name, input.value);
    if (sort.column || sort.down) state.set("sort", (sort.down ? "-" : "") + (heads[sort.column].dataset.name ?? "target"));
    history.replaceState(null, "", state.size ? "#" + state : location.pathname + location.search);
  };

  // Several names may be asked for; "linux/" tells none of them apart.
  const terms = (text) => text.toLowerCase().split(/[\s,]+/).map((term) => term.replace(/^linux\/?/, "")).filter(Boolean);
  const names = (element) => element.dataset.names.split(" ");
  const found = (element, wanted) => !wanted.length || wanted.some((term) => names(element).some((name) => name.includes(term)));
  const exact = (elements, wanted) => elements.find((element) => names(element).includes(wanted[0]));
  const visible = (elements) => elements.filter((element) => !element.hidden);
  const hosts = heads.slice(1);

  const filter = () => {
    const [run, on] = [terms(inputs.run.value), terms(inputs.on.value)];
    for (const row of rows) row.hidden = !found(row, run);
    hosts.forEach((head, index) => {
      head.hidden = !found(head, on);
      for (const row of rows) row.cells[index + 1].hidden = head.hidden;
    });
    const [targets, machines] = [visible(rows), visible(hosts)];
    table.parentElement.hidden = !targets.length || !machines.length;
    count.value = !targets.length ? `No target is called “${inputs.run.value.trim()}”.`
      : !machines.length ? `No machine is called “${inputs.on.value.trim()}”.`
      : `${targets.length} of ${rows.length} targets on ${machines.length} of ${hosts.length} machines`;
    // One of each is left, or named exactly: that is the answer.
    const row = targets.length === 1 ? targets[0] : run.length === 1 && exact(targets, run);
    const head = machines.length === 1 ? machines[0] : on.length === 1 && exact(machines, on);
    choose(row && head ? row.cells[heads.indexOf(head)] : null);
  };

  const arrange = () => {
    const key = (row) => {
      const cell = row.cells[sort.column];
      return sort.column ? Number(cell.dataset.size ?? (parseFloat(cell.textContent) || Infinity)) : row.dataset.name;
    };
    const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
    const sign = sort.down ? -1 : 1;
    body.append(...rows.toSorted((a, b) => sign * compare(key(a), key(b)) || compare(a.dataset.name, b.dataset.name)));
    heads.forEach((head, column) => {
      head.ariaSort = column !== sort.column ? "none" : sort.down ? "descending" : "ascending";
    });
  };

  const version = document.getElementById("qemu");

  // The versions that the chosen one has images with: that of the other tags, and then the newest first.
  const offer = ([first, ...others], isOlder) => {
    const option = (text, value) => Object.assign(document.createElement("option"), { text, value });
    version.replaceChildren(option(`${first}, the ${isOlder ? "default" : "newest"}`, ""), ...others.map((one) => option(one, `d${one}-`)));
    version.parentElement.hidden = !others.length;
  };

  const choose = (cell) => {
    offer(cell?.dataset.versions?.split(" ") ?? [], cell?.dataset.why?.startsWith("Not the newest"));
    show(cell);
  };

  const show = (cell) => {
    chosen?.firstElementChild.setAttribute("aria-pressed", "false");
    chosen = cell?.dataset.package ? cell : null;
    pick.hidden = !chosen;
    if (!chosen) return;
    chosen.firstElementChild.setAttribute("aria-pressed", "true");
    const row = chosen.parentElement;
    const head = heads[chosen.cellIndex];
    const [target, host] = [row.dataset.name, head.dataset.name];
    const repository = table.dataset.repository;
    const [title, facts, , command, then] = pick.children;
    title.textContent = `${target} programs on ${host}`;
    const size = chosen.querySelector(".size")?.textContent;
    const first = `QEMU from Debian ${chosen.dataset.suite}: ${chosen.dataset.package}` + (size ? `, ${size}` : "");
    const why = chosen.dataset.why ? `. ${chosen.dataset.why}` : "";
    facts.textContent = version.value ? `QEMU ${version.selectedOptions[0].text} from another suite of Debian` : first + why;
    const platforms = row.dataset.platforms ? row.dataset.platforms.split(" ") : [];
    let line = `docker run --rm --privileged ${repository}:${version.value}${target} -s -- -p ${target}`;
    let after = platforms.length ? `Then containers run with --platform ${platforms.join(" or ")}.` : "Then its programs run like any others.";
    if (head.dataset.pkg) {
      line = `COPY --from=${repository}:${head.dataset.pkg} /usr/bin/qemu-${target}-static /usr/bin/`;
      after = "For this machine there are the emulators only, for a Dockerfile of yours.";
    } else if (chosen.classList.contains("native")) {
      line = `docker run --rm ${repository}:${version.value}${target} -l`;
      after = "This is the machine's own architecture: nothing needs to be registered. The command lists what is.";
    }
    command.firstElementChild.textContent = line;
    command.lastElementChild.textContent = "Copy";
    then.textContent = after;
  };

  // Every cell becomes a button. One of them is in the tab order; arrows move from there.
  const button = (cell, act) => {
    const made = document.createElement("button");
    made.type = "button";
    made.append(...cell.childNodes);
    made.addEventListener("click", act);
    cell.append(made);
    return made;
  };
  heads.forEach((head, column) => {
    const label = document.createElement("span");
    label.append(head.firstChild);
    head.prepend(label);
    button(head, () => {
      sort = { column, down: sort.column === column && !sort.down };
      arrange();
      remember();
    });
  });
  for (const cell of body.querySelectorAll("td[data-package]")) {
    const made = button(cell, () => {
      choose(cell);
      pick.scrollIntoView({ block: "nearest" });
    });
    made.tabIndex = -1;
    made.setAttribute("aria-pressed", "false");
  }
  const enter = (made) => {
    body.querySelector('td button[tabindex="0"]')?.setAttribute("tabindex", "-1");
    made.tabIndex = 0;
  };
  body.addEventListener("focusin", (event) => event.target.matches("td button") && enter(event.target));
  body.addEventListener("keydown", (event) => {
    const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [0, 0];
    if (!down && !right) return;
    event.preventDefault();
    const cell = event.target.closest("td");
    let [row, column] = [cell.parentElement.sectionRowIndex, cell.cellIndex];
    for (;;) {
      row += down;
      column += right;
      const next = body.rows[row]?.cells[column];
      if (!next || !column) return;
      const made = !next.hidden && !next.parentElement.hidden && next.querySelector("button");
      if (made) return made.focus();
    }
  });

  version.addEventListener("change", () => show(chosen));
  pick.querySelector("button").addEventListener("click", async (event) => {
    const code = pick.querySelector("code");
    try {
      await navigator.clipboard.writeText(code.textContent);
      event.target.textContent = "Copied";
    } catch {
      // Not allowed here: at least it is selected.
      getSelection().selectAllChildren(code);
    }
  });

  // Shows the workloads of a target. The part of the address after # stays what was asked.
  for (const link of document.querySelectorAll("#programs tbody th a")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      const details = document.getElementById(link.hash.slice(1));
      details.open = true;
      details.firstElementChild.focus();
      details.scrollIntoView();
    });
  }

  const form = document.getElementById("find");
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => {
    filter();
    remember();
  });

  const recall = () => {
    const state = new URLSearchParams(location.hash.slice(1));
    for (const [name, input] of Object.entries(inputs)) input.value = state.get(name) ?? "";
    const name = (state.get("sort") ?? "").replace(/^-/, "");
    sort = { column: Math.max(0, heads.findIndex((head) => head.dataset.name === name)), down: state.get("sort")?.startsWith("-") ?? false };
    arrange();
    filter();
  };
  addEventListener("hashchange", recall);
  form.hidden = false;
  enter(body.querySelector("td button"));
  recall();
})();
