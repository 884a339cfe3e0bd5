//! `picoevent-sim`.
use picoevent_sim::world::{Sweep, Subject, Lab};
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let (h, e) = (picoevent_sim_command::hello_world(), picoevent_sim_command::echo());
    let s: &dyn Subject = if a[1] == "echo" { &e } else { &h };
    if a.len() == 3 {
        let mut lab = Lab::new();
        lab.take_seed(a[2].parse().unwrap());
        let (n, lines) = picoevent_sim::world::Narrator::new(2000);
        lab.observe(Box::new(n));
        let o = s.run(&mut lab);
        for l in lines.borrow().iter() { println!("{l}"); }
        println!("{:#?}", o.verdict);
        for l in &o.lines { println!("{l}"); }
        return;
    }
    let t = Sweep { seeds: a[2].parse().unwrap()..a[3].parse().unwrap(), time: None, jobs: a[4].parse().unwrap(), check: a.len() > 5 }.run(s, |_| ());
    for f in &t.failures { println!("{} {} at {} us", f.seed, f.outcome.verdict, f.outcome.lasted); }
    println!("{} seeds {} failed {:.0} seeds/s {:.0} x real digest {:x} frames {} calls {} served {} checked {} diverged {:?}\n{:?}", t.seeds, t.failed, t.rate(), t.speed(), t.digest, t.frames, t.callbacks, t.served, t.checked, t.diverged, t.struck);
}
