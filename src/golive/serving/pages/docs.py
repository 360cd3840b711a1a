"""Docs page: one self-contained page that reads ``/openapi.json`` and shows it; nothing comes from another host."""

DOCS_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Prediction API</title>
<style>
:root{color-scheme:light dark;--ink:#1c2430;--soft:#5b6675;--line:#dde3ea;--page:#f6f8fa;--card:#fff;--tint:#0b6e5f;
--code:#f0f3f6;--bad:#b3261e}
@media (prefers-color-scheme:dark){:root{--ink:#e6eaf0;--soft:#9aa6b5;--line:#2c3542;--page:#12161c;--card:#1a2028;
--tint:#4fc3ae;--code:#10141a;--bad:#ff8a80}}
*{box-sizing:border-box}body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 system-ui,sans-serif}
main{max-width:60rem;margin:0 auto;padding:2rem 1.25rem 5rem}h1{font-size:1.7rem;margin:0}h2{margin:2.2rem 0 .6rem}
p{margin:.4rem 0;color:var(--soft)}details{background:var(--card);border:1px solid var(--line);border-radius:.6rem;
margin:.7rem 0;overflow:hidden}summary{padding:.8rem 1rem;cursor:pointer;display:flex;gap:.8rem;align-items:baseline;
flex-wrap:wrap}summary:focus-visible,button:focus-visible,textarea:focus-visible,input:focus-visible{outline:2px solid
var(--tint);outline-offset:2px}.verb{font:700 .75rem ui-monospace,monospace;color:var(--card);background:var(--tint);
border-radius:.3rem;padding:.15rem .45rem}.path{font-family:ui-monospace,monospace;overflow-wrap:anywhere}
.what{color:var(--soft);margin-left:auto}.inside{padding:.2rem 1rem 1rem;border-top:1px solid var(--line)}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.92rem;margin:.6rem 0}th{text-align:left;
color:var(--soft);font-weight:600}td,th{padding:.35rem .6rem .35rem 0;border-bottom:1px solid var(--line);
vertical-align:top}td:nth-child(-n+2){white-space:nowrap}td:first-child{font-family:ui-monospace,monospace}textarea,pre,input{width:100%;background:var(--code);
color:var(--ink);border:1px solid var(--line);border-radius:.4rem;padding:.6rem;font:.88rem/1.45 ui-monospace,monospace}
pre{overflow-x:auto;white-space:pre-wrap;margin:.6rem 0}button{background:var(--tint);color:var(--card);border:0;
border-radius:.4rem;padding:.5rem 1.1rem;font:600 .95rem system-ui,sans-serif;cursor:pointer;margin:.6rem 0}
a{color:var(--tint)}.bad{color:var(--bad)}label{display:block;color:var(--soft);margin-top:.8rem}
</style></head><body><main><h1 id="title">Prediction API</h1>
<p>Open a route to see its fields and to try it. <a href="openapi.json">openapi.json</a> is the same for programs.</p>
<div id="door" hidden><label for="key">API key</label><input id="key" type="password" autocomplete="off">
<button id="enter">Show the routes</button></div><p id="trouble" class="bad" role="alert"></p><div id="routes"></div>
</main><script>
"use strict";
const at=id=>document.getElementById(id);
const make=(tag,text,name)=>{const e=document.createElement(tag);if(text!=null)e.textContent=text;
  if(name)e.className=name;return e};
const headers=()=>{const h={"content-type":"application/json"};
  if(at("key").value)h["x-api-key"]=at("key").value;return h};
function fieldsTable(schema){
  const table=make("table"),head=make("tr");
  for(const title of["field","type","required","about"])head.append(make("th",title));
  table.append(head);
  for(const[name,field]of Object.entries(schema.properties||{})){
    const row=make("tr");
    row.append(make("td",name),make("td",[].concat(field.type||"any").join(" or ")),
      make("td",(schema.required||[]).includes(name)?"yes":""),make("td",field.description||""));
    table.append(row)}
  const wrap=make("div",null,"scroll");wrap.append(table);return wrap}
function rowSchema(api,route){
  const found=JSON.stringify(route).match(/#\\/components\\/schemas\\/([^"]+\\.Row)/);
  return found?api.components.schemas[found[1]]:null}
async function ask(verb,path,body,out){
  out.textContent="...";out.className="";
  try{
    const began=performance.now();
    const answer=await fetch("."+path,{method:verb.toUpperCase(),headers:headers(),body});
    const text=await answer.text(),took=(performance.now()-began).toFixed(1);
    let shown=text;try{shown=JSON.stringify(JSON.parse(text),null,2)}catch{/* not JSON: shown as it came */}
    out.textContent=answer.status+" "+answer.statusText+" in "+took+" ms\\n"+shown;
    out.className=answer.ok?"":"bad";
  }catch(error){out.textContent="No answer: "+error.message;out.className="bad"}}
function card(api,path,verb,route,index){
  const box=make("details"),top=make("summary"),inside=make("div",null,"inside");
  top.append(make("span",verb.toUpperCase(),"verb"),make("span",path,"path"),make("span",route.summary||"","what"));
  if(route.description)inside.append(make("p",route.description.replaceAll("`","")));
  const content=route.requestBody&&route.requestBody.content["application/json"];
  const out=make("pre");out.hidden=true;let body=null;
  if(content){
    const label=make("label","Request body");body=make("textarea");body.id="body"+index;label.htmlFor=body.id;
    body.value=JSON.stringify(content.example,null,2);body.rows=Math.min(18,body.value.split("\\n").length+1);
    inside.append(label,body)}
  const go=make("button","Try it");
  go.onclick=()=>{out.hidden=false;ask(verb,path,body?body.value:undefined,out)};
  inside.append(go,out);
  const schema=rowSchema(api,route);if(schema)inside.append(fieldsTable(schema));
  box.append(top,inside);return box}
function show(api){
  at("title").textContent=api.info.title;document.title=api.info.title;
  const groups=new Map();let index=0;
  for(const[path,verbs]of Object.entries(api.paths))for(const[verb,route]of Object.entries(verbs)){
    if(path.includes("{"))continue;/* the same once more for one version */
    const tag=(route.tags||["server"])[0];
    if(!groups.has(tag))groups.set(tag,[]);
    groups.get(tag).push(card(api,path,verb,route,index++))}
  at("routes").replaceChildren();
  for(const[tag,cards]of groups)at("routes").append(make("h2",tag),...cards);
  const first=document.querySelector("details");if(first)first.open=true}
async function load(){
  at("trouble").textContent="";
  try{
    const answer=await fetch("openapi.json",{headers:headers()});
    if(answer.status===401){at("door").hidden=false;
      if(at("key").value)at("trouble").textContent="This key is not valid.";return}
    show(await answer.json());
  }catch(error){at("trouble").textContent="The description could not be loaded: "+error.message}}
at("enter").onclick=load;load();
</script></body></html>
"""
"""The whole page. A key typed into it stays in the page's memory."""
