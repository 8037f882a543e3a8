// SPDX-License-Identifier: MIT
#include "daemon/http/look_page.hpp"

#include <algorithm>
#include <span>

#include <fmt/format.h>

#include "base/digest.hpp"

namespace kanhu {
namespace {

constexpr std::string_view kStyle = R"css(
body{margin:1.5rem;background:#14161a;color:#dde1e6;font:15px/1.45 system-ui,sans-serif}
a{color:#8ec5ff}h1{font-size:1.2rem;font-weight:600;margin:0 0 .6rem}
canvas{width:min(96vw,960px);image-rendering:pixelated;background:#000;display:block}
table{border-collapse:collapse;margin-top:.8rem}td,th{text-align:left;padding:.15rem 1.2rem .15rem 0;font-weight:400}th{color:#8b949e}
#age{margin:.2rem 0 .5rem}.old{color:#ff6b6b;font-weight:600}.present{color:#5aff82}.unknown{color:#ffd166}
#bar{display:flex;gap:.6rem;align-items:center;margin:.5rem 0}#bar i{flex:0 1 320px;height:.8rem}
)css";

// Text goes in as text (textContent), never as markup.
constexpr std::string_view kScript = R"js(
'use strict';
const iron=[[4,2,20],[46,8,110],[118,10,150],[186,36,124],[226,92,48],[248,156,20],[255,218,92],[255,255,240]];
function colour(share){
  const place=Math.min(1,Math.max(0,share))*(iron.length-1),i=Math.min(Math.floor(place),iron.length-2),rest=place-i;
  return iron[i].map((low,k)=>Math.round(low+(iron[i+1][k]-low)*rest));
}
const at=id=>document.getElementById(id),say=(id,text)=>{at(id).textContent=text};
function row(cells,kind){
  const tr=document.createElement('tr');
  for(const text of cells){const td=document.createElement('td');td.textContent=text;tr.append(td)}
  if(kind)tr.className=kind;
  return tr;
}
const span=s=>s<10?s.toFixed(1)+' s':s<120?Math.round(s)+' s':s<7200?Math.floor(s/60)+' min':Math.floor(s/3600)+' h '+Math.floor(s%3600/60)+' min';
const degrees=c=>typeof c==='number'?c.toFixed(1)+' °C':'-';
const canvas=at('picture'),pen=canvas.getContext('2d');
function draw(look){
  const bytes=Uint8Array.from(atob(look.cells),c=>c.charCodeAt(0)),w=look.width,h=look.height;
  if(bytes.length!==w*h||!look.palette)return;
  const cell=Math.max(1,Math.floor(960/w)),small=document.createElement('canvas');
  small.width=w;small.height=h;
  const image=new ImageData(w,h),from=look.palette.from_cell,range=look.palette.to_cell-from;
  bytes.forEach((value,i)=>{image.data.set([...colour((value-from)/range),255],4*i)});
  small.getContext('2d').putImageData(image,0,0);
  canvas.width=w*cell;canvas.height=h*cell;
  const W=canvas.width,H=canvas.height;
  pen.imageSmoothingEnabled=false;
  pen.drawImage(small,0,0,W,H);
  pen.lineWidth=1;pen.strokeStyle='rgba(255,255,255,.45)';pen.setLineDash([4,4]);
  for(const zone of look.zones)for(const polygon of zone.polygons||[]){
    pen.beginPath();
    polygon.forEach(([x,y],i)=>i?pen.lineTo(x*W,y*H):pen.moveTo(x*W,y*H));
    pen.closePath();pen.stroke();
  }
  pen.setLineDash([]);pen.lineWidth=2;pen.font='600 18px system-ui,sans-serif';
  const mark=(box,label,ink)=>{
    pen.strokeStyle=pen.fillStyle=ink;
    pen.strokeRect(box.x*W,box.y*H,box.width*W,box.height*H);
    pen.fillText(label,box.x*W+2,Math.max(18,box.y*H-5));
  };
  for(const spot of look.hot_spots)mark(spot.box,degrees(spot.hottest_c),'#5adcff');
  for(const person of look.people)mark(person.box,person.id,'#5aff82');
}
function show(look){
  say('name',look.facility+'/'+look.source+(look.name?'  '+look.name:''));
  say('waiting',look.waiting||look.cause||'');
  const radiometric=look.kind==='radiometric',seen=typeof look.age_s==='number';
  say('age',seen?`${look.width}x${look.height} ${look.kind}, ${span(look.age_s)} ago`:'');
  at('age').className=look.age_s>5?'old':'';
  canvas.hidden=at('bar').hidden=!seen;
  const facts=at('facts');facts.replaceChildren();
  if(seen){
    draw(look);
    const value=cell=>degrees(look.low_c+look.step_c*cell);
    say('from',radiometric?value(look.palette.from_cell):'cooler');
    say('to',radiometric?value(look.palette.to_cell):'warmer');
    if(radiometric)facts.append(row(['coolest, warmest',degrees(look.coolest_c)+', '+degrees(look.warmest_c)]));
    for(const p of look.people)facts.append(row(['person '+p.id,`${p.warmth_k.toFixed(1)} ${radiometric?'K':'nominal K'} above the room, `+(p.still_s<3?'moving':'still for '+span(p.still_s))],'present'));
    for(const s of look.hot_spots)facts.append(row(['hot thing',radiometric?degrees(s.hottest_c):'']));
  }
  for(const z of look.zones)facts.append(row([z.zone?'zone '+z.zone:'whole view',z.state+(z.count?` (${z.count})`:'')+(z.reason?` (${z.reason})`:'')],z.state));
  if(typeof look.open==='boolean')facts.append(row(['contact',look.open?'open':'closed']));
}
at('bar').querySelector('i').style.background=`linear-gradient(90deg,${iron.map(c=>`rgb(${c})`).join(',')})`;
let failed=0;
async function turn(){
  try{
    const answer=await fetch(location.pathname+'.json',{cache:'no-store',signal:AbortSignal.timeout(4000)});
    if(!answer.ok)throw new Error(await answer.text());
    show(await answer.json());failed=0;
  }catch(error){
    failed++;
    say('age','no answer from the gateway ('+error.message.trim()+'); the picture is old');at('age').className='old';
  }
  setTimeout(turn,failed>3?5000:1000);
}
turn();
)js";

std::string hash_of(std::string_view text) {
  const Sha256 digest = sha256(text);
  return "'sha256-" + to_base64(std::span(reinterpret_cast<const std::uint8_t*>(digest.data()), digest.size())) + "'";
}

std::string page(const std::string& title, std::string_view head, std::string_view body) {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">{}"
      "<title>{}</title><style>{}</style></head><body>{}</body></html>\n",
      head, html_escaped(title), kStyle, body);
}

std::string cell_text(const Json& row, const char* key) {
  const auto found = row.is_object() ? row.find(key) : row.end();
  if (!row.is_object() || found == row.end()) return {};
  return html_escaped(found->is_string()         ? found->get<std::string>()
                      : found->is_number_float() ? fmt::format("{:.1f}", found->get<double>())
                                                 : found->dump());
}

std::string zones_cell(const Json& row) {
  std::string words;
  for (const Json& zone : row.value("zones", Json::array())) {
    if (!words.empty()) words += ", ";
    const std::string id = cell_text(zone, "zone"), reason = cell_text(zone, "reason");
    words += (id.empty() ? "" : id + " ") + cell_text(zone, "state") + (reason.empty() ? "" : " (" + reason + ")");
  }
  if (const std::string waiting = cell_text(row, "waiting"); !waiting.empty()) words += (words.empty() ? "" : "; ") + waiting;
  return words;
}

}  // namespace

std::string html_escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string look_list_page(const Json& sources) {
  std::string body =
      "<h1>Infrared sources</h1><table><tr><th>source<th>name<th>sensor<th>picture, s ago<th>coolest °C<th>warmest °C<th>people"
      "<th>presence</tr>";
  for (const Json& row : sources) {
    if (!row.is_object()) continue;
    const std::string id = cell_text(row, "source");
    body += fmt::format("<tr><td><a href=\"/look/{}\">{}/{}</a>", id, cell_text(row, "facility"), id);
    for (const char* key : {"name", "sensor", "age_s", "coolest_c", "warmest_c", "people"}) body += "<td>" + cell_text(row, key);
    body += "<td>" + zones_cell(row) + "</tr>";
  }
  body += sources.empty() ? "</table><p>This gateway has no infrared source.</p>" : "</table>";
  return page("Kanhu: infrared", "<meta http-equiv=\"refresh\" content=\"5\">", body);
}

std::string look_source_page(const std::string& source) {
  return page(
      "Kanhu: " + source, "",
      fmt::format(
          "<h1 id=\"name\">{}</h1><div id=\"waiting\" class=\"unknown\"></div><div id=\"age\">asking</div>"
          "<canvas id=\"picture\" hidden></canvas><div id=\"bar\" hidden><span id=\"from\"></span><i></i><span id=\"to\"></span></div>"
          "<table><tbody id=\"facts\"></tbody></table><p><a href=\"/look\">all infrared sources</a></p><script>{}</script>",
          html_escaped(source), kScript));
}

const std::string& look_page_policy() {
  static const std::string policy = fmt::format(
      "default-src 'none'; style-src {}; script-src {}; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      hash_of(kStyle), hash_of(kScript));
  return policy;
}

bool is_loopback_host(std::string_view host) {
  std::string_view name = host;
  std::string_view port;
  if (!name.empty() && name.front() == '[') {
    const auto end = name.find(']');
    if (end == std::string_view::npos) return false;
    port = name.substr(end + 1);
    name = name.substr(0, end + 1);
  } else if (const auto colon = name.find(':'); colon != std::string_view::npos) {
    port = name.substr(colon);
    name = name.substr(0, colon);
  }
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (!port.empty() && (port.size() < 2 || port.size() > 6 || port[0] != ':' || !std::all_of(port.begin() + 1, port.end(), digit)))
    return false;
  return name == "localhost" || name == "127.0.0.1" || name == "[::1]";
}

}  // namespace kanhu
