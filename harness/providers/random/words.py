"""Nothing in, words out: what the names of `RandomPet` are made of. Lower-case ASCII, no word twice in a list."""
# ruff: noqa: SIM905 - a paragraph of words can be read, a column of quoted ones cannot

from typing import Final

ADVERBS: Final = tuple(
    """
    ably aptly audibly avidly badly barely boldly bravely briefly brightly broadly calmly cheaply chiefly cleanly
    clearly closely coldly coolly cosily curtly daily daringly dearly deeply deftly dimly dryly duly eagerly early
    easily evenly exactly fairly faintly firmly flatly fluently fondly frankly freely freshly fully gaily gently gladly
    gravely greatly grimly happily hardly hastily highly hugely humbly idly justly keenly kindly largely lately lazily
    lightly likely loosely loudly loyally luckily mainly merely merrily mildly monthly mostly mutely namely nearly
    neatly newly nicely nightly nimbly nobly normally oddly openly orderly partly plainly politely poorly promptly
    proudly purely quickly quietly rapidly rarely readily really richly rightly roughly safely secretly seldomly
    sharply shortly shyly silently simply singly slightly slowly smartly smoothly softly solely soundly steadily
    strictly strongly suddenly surely sweetly swiftly tamely tensely thinly tightly timely totally truly usually
    vastly vividly warmly weekly wholly widely wildly wisely wittily yearly
    """.split()
)

ADJECTIVES: Final = tuple(
    """
    able agile airy amber ample ancient apt arctic ardent autumn azure balmy blithe bold bonny brave breezy brief bright
    brisk bronze calm candid careful cheery chief civic clean clear clever cloudy coastal comic copper cosmic cosy
    crimson crisp curious dapper daring dear deep deft dewy distant dusky dusty eager early earnest eastern elder
    elegant emerald even exact fabled fair famous fancy fearless festive fiery fine firm fleet floral fluent fond
    frank free fresh frosty gallant gentle giant gifted glad gleaming golden graceful grand grateful hardy hasty
    hazel hearty hidden honest humble icy ideal indigo ivory jaunty jolly jovial keen kind lanky laughing lavish leafy
    lively lofty loyal lucid lucky lunar lush magic major mellow merry mighty mild minty misty modest mossy native
    neat nimble noble northern novel oaken olive open opal patient peaceful pearly placid plucky polar polite prime
    prompt proud pure quaint quick quiet rapid rare ready regal robust rosy royal ruby rustic sandy scarlet serene
    sharp shiny silent silver simple sincere sleek smart smooth snowy solar solid southern spry stable starry steady
    stellar stout sturdy subtle sunny superb swift tall tame tender tidy tiny topaz tranquil trusty upbeat urban
    valiant vast velvet vernal vivid warm western whole willing windy winged wise witty woven young zesty
    """.split()
)

ANIMALS: Final = tuple(
    """
    adder albatross alpaca ant antelope armadillo auk avocet axolotl baboon badger barnacle bass bat bear beaver bee
    beetle bison bittern boar bobcat bream bull buffalo bunting bustard buzzard camel capybara caribou carp cat
    caterpillar catfish chameleon cheetah chicken chinchilla chipmunk cicada civet clam cobra cod condor coot coral
    cormorant cougar cow coyote crab crane crayfish cricket crow cuckoo curlew deer dingo dipper dog dolphin donkey
    dormouse dove dragonfly duck dunlin eagle earwig eel egret eider eland elephant elk emu ermine falcon ferret finch
    firefly flamingo flounder fox frog gannet gazelle gecko gerbil gibbon giraffe gnu goat goldfish goose gopher
    gorilla goshawk grebe grouse guppy haddock hake halibut hamster hare harrier hawk hedgehog heron herring hippo
    hoopoe hornet horse hyena ibex ibis iguana impala jackal jackdaw jaguar jay jellyfish kangaroo kestrel kingfisher
    kite kiwi koala koi krill kudu ladybird lamprey lapwing lark lemming lemur leopard limpet linnet lion lizard llama
    lobster locust loon lynx macaw mackerel magpie mallard mammoth manatee mantis marlin marmot marten martin mayfly
    meerkat merlin mink minnow mole mongoose moose moth mouse mule mullet muskrat narwhal newt nightjar nuthatch ocelot
    octopus okapi opossum orca oriole oryx osprey ostrich otter owl ox oyster panda panther parrot partridge peacock
    pelican penguin perch petrel pheasant pig pigeon pika pike pipit plaice plover polecat pony porcupine porpoise
    prawn puffin puma python quail quokka rabbit raccoon ram rat raven ray redstart reindeer rhino robin rook ruff
    salamander salmon sardine scorpion seahorse seal serval shark sheep shrew shrike shrimp skink skua skunk skylark
    sloth slug snail snipe sparrow spider squid squirrel starfish starling stilt stingray stoat stork sturgeon swallow
    swan swift tapir tarpon tern thrush tiger toad tortoise toucan trout tuna turbot turkey turtle vole vulture wagtail
    wallaby walrus warbler wasp weasel weevil whale whimbrel wigeon wildcat wolf wolverine wombat woodcock woodlark
    woodpecker worm wren yak zander zebra zebu
    """.split()
)
