#include <cstdio>
#include <cstring>
#include <fmt/format.h>
#include "models/thermal_presence.hpp"
#include "tests/support/thermal_scene/scene.hpp"
using namespace kanhu; using namespace kanhu::models;
int main(int c,char**v){ bool trace=c>2; for(auto& s: thermal_scene::scenes()){ if(c>1&&s.name!=v[1]) continue; ThermalPresenceOptions o; o.pixel_pitch_m=s.sensor.pixel_pitch_m(); ThermalPresence p(o); thermal_scene::Camera cam(s,1); long tp=0,fp=0,fn=0,unk=0,unkbad=0,n=0,fa_run=0,fa_max=0,people=0; double ce=0; long cn=0; double first=-1,truth0=-1; std::string last; long fpev=0; bool was=false;
 while(auto f=cam.next()){ n++; auto r=p.look({s.sensor.width,s.sensor.height,f->centi_c}, MediaTime(std::chrono::duration_cast<MediaTime::duration>(std::chrono::duration<double>(f->seconds)))); bool t=f->truth.people>0; bool pr=r.state==Presence::kPresent; bool u=r.state==Presence::kUnknown; people+=t;
  if(t&&truth0<0) truth0=f->seconds; if(t&&pr&&first<0) first=f->seconds;
  if(u){unk++; if(!f->truth.unknown_is_honest) unkbad++;} if(pr&&t)tp++; if(pr&&!t)fp++; if(!pr&&t&&!(u&&f->truth.unknown_is_honest)) fn++; if(pr&&!t&&!was) fpev++; was=pr&&!t;
  if(r.state==Presence::kAbsent&&t) {fa_run++; fa_max=std::max(fa_max,fa_run);} else fa_run=0; if(t&&pr){ce+=std::abs((int)r.people.size()-f->truth.people);cn++;}
  if(trace){ std::string now=fmt::format("{} {} {}",r.state==Presence::kPresent?"present":u?"unknown":"absent",r.people.size(),r.reason); if(now!=last) fmt::print("{:8.2f} truth {} -> {}\n",f->seconds,f->truth.people,now); last=now; } }
 double prec=tp+fp?double(tp)/(tp+fp):1, rec=people? double(tp)/(tp+fn):1; fmt::print("{:28} prec {:.3f} rec {:.3f} first {:5.1f}-{:5.1f} false-absent max {:5.1f} s  unknown bad {:.3f} false presents {} count err {:.3f}\n",s.name,prec,rec,first,truth0,fa_max/s.sensor.frames_per_second,double(unkbad)/n,fpev,cn?ce/cn:0.); } }
