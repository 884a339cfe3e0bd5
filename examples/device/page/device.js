"use strict";
const $ = (id) => document.getElementById(id);
const values = [];

function plot() {
  const canvas = $("plot"), pen = canvas.getContext("2d");
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.strokeStyle = "#07c";
  pen.lineWidth = 2;
  pen.beginPath();
  values.forEach((value, at) => {
    const y = canvas.height - ((value - 19000) / 7000) * canvas.height;
    pen.lineTo((at * canvas.width) / 150, y);
  });
  pen.stroke();
}

function connect() {
  const socket = new WebSocket(`ws://${location.host}/live`);
  socket.onmessage = (message) => {
    const live = JSON.parse(message.data);
    values.push(live.value);
    if (values.length > 150) values.shift();
    $("value").value = (live.value / 1000).toFixed(2);
    $("warm").textContent = live.warm ? "warm" : "";
    $("figures").innerHTML = "";
    for (const name of ["samples", "uptime", "clients", "most"]) {
      const row = $("figures").insertRow();
      row.insertCell().textContent = name;
      row.insertCell().textContent = live[name];
    }
    plot();
  };
  socket.onclose = () => setTimeout(connect, 1000);
}

function show(settings) {
  for (const name of ["name", "threshold"]) $("settings").elements[name].value = settings[name];
  $("title").textContent = settings.name || "Device";
}

$("settings").onsubmit = async (event) => {
  event.preventDefault();
  const body = new URLSearchParams(new FormData(event.target));
  const answer = await fetch("settings", { method: "POST", body });
  $("saved").value = answer.ok ? "saved" : await answer.text();
  if (answer.ok) show(await answer.json());
};

$("upload").onsubmit = (event) => {
  event.preventDefault();
  const request = new XMLHttpRequest();
  request.upload.onprogress = (sent) => ($("progress").value = sent.loaded / sent.total);
  request.onload = () => ($("uploaded").textContent = request.responseText);
  request.onerror = () => ($("uploaded").textContent = "the upload failed");
  request.open("PUT", "upload");
  request.send($("file").files[0]);
};

fetch("settings").then((answer) => answer.json()).then(show);
connect();
