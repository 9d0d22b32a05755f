package main
import ("fmt";"syscall";"os";"time";"net";"context";"sync";"strconv";"net/netip";"runtime/pprof";"github.com/go-libevent/libevent/core/event";"github.com/go-libevent/libevent/dns/evdns")
func cpu() time.Duration { var r syscall.Rusage; syscall.Getrusage(0,&r); return time.Duration(r.Utime.Nano()+r.Stime.Nano()) }
func main(){
 n:=100000; inflight:=os.Args[2]
 names:=make([]string,n); for i:=range names{names[i]=fmt.Sprintf("host%d.example.com",i)}
 if os.Args[1]=="net"{
  r:=&net.Resolver{PreferGo:true,Dial:func(ctx context.Context,network,addr string)(net.Conn,error){var d net.Dialer; return d.DialContext(ctx,"udp","127.0.0.1:28399")}}
  k,_:=strconv.Atoi(inflight)
  t:=time.Now(); c:=cpu(); var wg sync.WaitGroup; ch:=make(chan string,1000)
  for range k { wg.Go(func(){ for s:=range ch { if a,err:=r.LookupIP(context.Background(),"ip4",s+"."); err!=nil||len(a)!=1{panic(err)} } }) }
  for _,s:=range names{ch<-s}; close(ch); wg.Wait()
  d:=time.Since(t); fmt.Printf("net %v cpu %.0f/s\n",(cpu()-c)/time.Duration(n),float64(n)/d.Seconds()); return
 }
 base,_:=event.NewBase(); b,_:=evdns.NewBase(base,evdns.DisableWhenInactive|evdns.NoCache)
 b.SetOption("max-inflight",inflight)
 b.SetOption("so-rcvbuf","4000000")
 if len(os.Args)>4 { b.SetOption("ports-per-nameserver",os.Args[4]) }
 b.AddNameserver(netip.MustParseAddrPort("127.0.0.1:28399"))
 if len(os.Args)>3 && os.Args[3]!="" { f,_:=os.Create(os.Args[3]); pprof.StartCPUProfile(f); defer pprof.StopCPUProfile() }
 for range 3 {
 t:=time.Now(); c:=cpu(); got:=0; bad:=0
 for _,s:=range names { b.ResolveIPv4(s,0,func(a evdns.Answer,err error){ if err!=nil{bad++}; got++ }) }
 base.Dispatch()
 d:=time.Since(t); fmt.Printf("evdns %d bad %d cpu %v  %.0f/s\n",got,bad,(cpu()-c)/time.Duration(n),float64(n)/d.Seconds())
 }
}
