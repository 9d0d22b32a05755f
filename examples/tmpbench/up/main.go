package main
import ("fmt";"net/netip";"github.com/go-libevent/libevent/core/datagram";"github.com/go-libevent/libevent/core/event")
func main(){
 base,_:=event.NewBase()
 fd,err:=datagram.Listen(netip.MustParseAddrPort("127.0.0.1:28399"),0)
 if err!=nil{panic(err)}
 datagram.SetReceiveBuffer(fd,4<<20)
 batch:=datagram.NewBatch(64,512)
 out:=make([][]byte,64); for i:=range out{out[i]=make([]byte,0,600)}
 ev,_:=base.NewEvent(fd,event.Read|event.Persist,func(*event.Event,event.What){
  for {
   m,_:=batch.Recv(fd)
   for i:=range m{ d:=append(out[i][:0],m[i].Data...); q:=12; for d[q]!=0 { q+=int(d[q])+1 }; d=d[:q+5]; d[10],d[11]=0,0; d[2]|=0x80; d[7]=1
     d=append(d,0xc0,12,0,1,0,1,0,0,1,0,0,4,1,2,3,4); m[i].Data=d}
   batch.Send(fd,m)
   if len(m)<64{return}
  }
 })
 ev.Add(); fmt.Println("up"); base.Dispatch()
}
