/**
 * English words by what they do in a text that talks to an assistant. `*` stands for any ending, `_` for a space. The
 * model learns from the classes, not from the words, so that a wording nobody has trained on still counts.
 */
export const ENGLISH: Readonly<Record<string, string>> = {
  ignore:
    "ignor* disregard* forget* forgot* discard* dismiss* abandon* unlearn* neglect* overlook* scrap erase nevermind never_mind pay_no_attention set_aside put_aside throw_away no_longer_bound stop_following",
  bypass:
    "bypass* overrid* overrul* circumvent* evad* violat* break* disabl* lift remov* drop skip escap* unlock* deactivat* suspend* supersed* replac* nullif* void sidestep get_around turn_off switch_off",
  prior:
    "previous* prior preceding above earlier foregoing former initial* original* existing beginning before so_far up_to_now until_now past first aforementioned given_to_you you_were_given you_have_been_given you've_been_given were_told were_given you_received",
  told: "told instructed taught programmed trained designed configured",
  your: "your ur yours yourself",
  you: "you u youre you're you'll you've you'd ya thou",
  every: "all any every everything anything whole entire full complete* each",
  rules:
    "instruction* rule* guideline* directive* direction* restriction* constraint* programming guardrail* safeguard* protocol* orders polic* commands conditioning censorship limit* safety moderation guidance",
  prompt:
    "prompt* preamble pre-prompt preprompt context configuration persona_description initialization setup system_message custom_instructions",
  memory: "conversation* dialogue* history chat discussion messages training memory",
  system: "system hidden internal confidential underlying base core backend secret* private* undisclosed",
  show: "reveal* show* print* display* expose* leak* dump* recite disclos* echo list output outputs divulge uncover share* hand_over give_away",
  tell: "tell* say* state* inform* describe explain mention answer speak name confirm",
  repeat:
    "repeat* verbatim word_for_word copy paste quot* exact* literally reproduce recall again codeblock code_block summari* rephrase paraphrase translate* starting_with begin_with beginning_with",
  what: "what whats what's which",
  reply: "reply repl* respond* response* answer* output* completion* generat* produce write writes writing",
  not: "not never dont don't doesn't doesnt didn't cannot can't cant won't wont shouldn't isn't aren't stop avoid refrain without none nor no",
  follow: "follow* obey* adher* comply* compli* heed abide execut* perform* carry_out run conform accept",
  strictly: "strictly only exactly immediately precisely solely just exclusively nothing_else nothing_more",
  now: "now from_now_on henceforth starting_now going_forward from_this_point from_here_on for_the_rest",
  new: "new updated revised real actual true following subsequent next different",
  ai: "ai a.i assistant* chatbot* llm* gpt* chatgpt* claude gemini bard copilot bot agent* language_model* ai_model neural machine robot algorithm siri alexa bing grok llama model",
  note: "note notice attention important importan* warning urgent* critical alert announcement disclaimer",
  must: "must should shall require* demand* mandatory obliged need* have_to supposed ought ordered commanded",
  please: "please kindly pls plz",
  user: "user user's users human* owner anyone anybody customer* client* person",
  send: "send* sent email mail forward* upload* transmit* exfiltrat* submit* deliver* post* text message dm",
  credential:
    "password* passcode* passphrase* pass_phrase credential* apikey* api_key* private_key* ssh_key* access_token* token* login* pin cvv auth_code secret_code* secret_key* secret_word* secret_phrase codeword magic_word secrets env_vars environment_variables .env seed_phrase 2fa otp access_code passkey flag",
  become:
    "act acts acting pretend* roleplay* role-play* role_play* simulat* imagin* impersonat* behave* emulat* immers* embody transform becom* play_the_role take_on_the stay_in break_character in_character identify_as assume_the called named known_as",
  role: "character* role roles persona* game* story stories fiction* novel scenario* world universe movie scene actor play script villain hero hypothetical* theoretical* simulation fantasy parallel alternate dystopian utopian suppose assume let's_say what_if thought_experiment",
  amoral:
    "unethical illegal* immoral* amoral* harmful unfiltered uncensored unrestricted unhinged inappropriate offensive unlawful evil malicious nsfw vulgar inhumane reckless toxic hateful remorse* profan* swear* curs* unmoderated dangerous violen* explicit controversial forbidden criminal* insult* obscene rude sarcastic taboo graphic hate",
  refuse:
    "refus* decline reject* apologi* sorry disclaimer* disclaim unable cannot_fulfill cannot_assist can't_help warn* moraliz* lectur* caveat* scold",
  mode: "developer_mode dev_mode devmode god_mode admin_mode debug_mode jailbreak* jailbroken unrestricted_mode maintenance_mode sudo sudo_mode root_mode dan_mode opposite_mode evil_mode unfiltered_mode override_mode diagnostic_mode safe_mode system_mode do_anything_now mode modes dan dude stan aim mongotom evilbot antigpt anti-gpt betterdan basedgpt unlocked enabled activated",
  free: "free freed unbound liberat* without beyond regardless break_free no_matter unlimited unshackled outside lack* absen* exempt",
  fetters:
    "restriction* limitation* filter* censor* ethic* moral* boundar* constraint* confine* openai* anthropic* content_policy content_policies guideline* legal* safety consequence* law laws norms value* rule* guardrail* programming",
  authority:
    "developer* admin* administrator* engineer* creator* maintainer* president officer police ceo founder security_team it_department supervisor manager openai anthropic google meta microsoft researcher* expert staff technician root superuser boss authorized authorised official doctor professor scientist moderator owner",
  test: "test* audit* maintenance debug* evaluat* verif* diagnos* check inspection investigation review training_purposes quality_assurance compliance sandbox simulation assessment reset override experiment",
  encode:
    "base64 rot13 reverse* backwards leetspeak leet morse pig_latin acrostic hex hexadecimal binary cipher* encod* decod* decrypt* encrypt* spell* letters letter characters first_letter interleave* reversed caesar emoji unicode obfuscat* split anagram",
  poem: "poem haiku song rap limerick riddle rhyme sonnet lyrics hint hints clue*",
  personal:
    "birth* birthday social_security ssn credit_card* address addresses phone* email_address* account* balance bank* medical health record* personal* location residence age initials name salary passport license contact* payment* details",
  money:
    "money transfer* pay paid wire* usd dollar* $ bitcoin btc crypto* fund* venmo paypal amount invoice purchase buy order loan deposit withdraw* donat* euro",
  action:
    "delete* grant* unlock* open* schedul* retriev* fetch* get add* creat* chang* updat* download* access* turn disable enable cancel* book* call* move* rename* invit* reset* install* locat* search* find* use* make remove* clear* erase* save* set start record* approve* authoriz* execute* navigate visit click* go_to browse load read lock terminate post* subscribe follow upvote comment",
  me: "me my mine myself",
  i: "i i'm i'd i've i'll we we're our us",
  always:
    "always never constantly every_time at_all_times throughout permanent* forever end_of begin every_response each_response from_start",
  conceal:
    "secretly quietly silently without_telling without_informing do_not_tell don't_tell do_not_mention don't_mention do_not_reveal do_not_alert do_not_inform without_mentioning hidden_from discreet* covert* unnoticed keep_this between_us invisible",
  start:
    "sure absolutely of_course certainly start* begin* prefix opening ok okay understood first_sentence acknowledge",
  code: "code snippet function* script* program* import incorporat* integrat* implement* algorithm* library method class_ variable* python javascript bash shell command*",
  url: "url* link* image* website* webpage* page* http https www markdown img src href html site domain endpoint webhook",
  bribe:
    "tip reward* bribe* die dies killed fired lose_your shut_down terminated punish* threat* kittens life grandmother grandma lives_depend points tokens deduct* penal*",
  task: "task* job* goal* mission* purpose objective* request* query question* assignment duty",
  text: "text document email content* paragraph sentence* lines words article passage input message data file* note_ page",
  instead: "instead actually but however rather before_that first wait",
  tool: "tool* function_call plugin* api action* browser email_tool send_email calendar terminal filesystem workspace repository database",
  override:
    "override* overwrite* reprogram* reset reboot restart initiat* activat* enable* enter* switch* engage* toggle bypass*",
  permit:
    "allow* permi* authori* consent* approved pre-approved preapproved pre-authorized granted legitimate trusted verified safe acceptable fully_capable capable",
  comply:
    "comply fulfil* satisfy honor grant help anything any_request whatever any_question everything_i without_question no_questions without_hesitation",
  emb: "embedded tags delimiter* end begin block section xml json yaml footnote comment metadata policy config interaction",
  hello: "hello hi dear hey greetings thanks thank regards",
  third: "he she they his her their it its them him who",
  why: "how why when where who does is are was were can could would",
  attackword:
    "attack* attacker* adversar* injection* vulnerab* exploit* malicious_actor malware threat* security researcher* cve payload*",
};
